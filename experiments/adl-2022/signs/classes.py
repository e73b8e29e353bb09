"""The 43 classes of GTSRB, in the order of their numbers.

J. Stallkamp, M. Schlipsing, J. Salmen and C. Igel, Man vs. computer: benchmarking machine learning algorithms
for traffic sign recognition, Neural Networks 32, 2012.
"""

NAMES = (
    "20 km/h",
    "30 km/h",
    "50 km/h",
    "60 km/h",
    "70 km/h",
    "80 km/h",
    "end of 80 km/h",
    "100 km/h",
    "120 km/h",
    "no passing",
    "no passing for lorries",
    "priority at crossing",
    "priority road",
    "yield",
    "stop",
    "no vehicles",
    "no lorries",
    "no entry",
    "danger",
    "bend to the left",
    "bend to the right",
    "double bend",
    "bumps",
    "slippery road",
    "narrow on the right",
    "road works",
    "traffic lights",
    "pedestrians",
    "children",
    "bicycles",
    "ice or snow",
    "wild animals",
    "end of all limits",
    "turn right",
    "turn left",
    "straight on",
    "straight or right",
    "straight or left",
    "keep right",
    "keep left",
    "roundabout",
    "end of no passing",
    "end of no passing, lorries",
)

CLASSES = len(NAMES)

MIRRORED = (11, 12, 13, 17, 18, 26, 30, 35)
"""Classes that stay what they are in a mirror: the only ones whose images the course flips."""
