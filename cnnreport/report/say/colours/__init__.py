"""What colourization nets make of colours, in words: which are mistaken for which, and on which images."""
