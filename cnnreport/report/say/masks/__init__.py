"""What segmentation nets make of masks, in words: how much is missed or invented, and on which images."""
