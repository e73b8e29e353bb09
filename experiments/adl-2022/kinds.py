"""What the runs of this report's trainings leave, beside what a classification leaves."""

from cnnreport.kinds import classification
from cnnreport.kinds.kind import Kind, Recorded

_PLAIN = classification.KIND

_TEST = (
    Recorded("test_accuracy", "test accuracy", "share", "measures", result=True),
    Recorded("test_loss", "test loss", "loss", "measures"),
    Recorded("test_images", "test images", "count", "measures", of_data=True),
    Recorded("features", "numbers that the last layer is given", "count", "measures", of_data=True),
)
_TEST_SAMPLES = ("test_confusion", "pair_true", "pair_taken", "pair_count", "pair_image", "pair_like")

SIGNS = Kind(
    name="signs",
    recorded=(*_PLAIN.recorded, *_TEST),
    texts=(*_PLAIN.texts, "layers"),
    samples=(*_PLAIN.samples, *_TEST_SAMPLES),
    table=("test_accuracy", "test_loss", *_PLAIN.table),
)
"""Of a net that is tested once, when it is trained."""

NORMED = Kind(
    name="signs with batch norm",
    recorded=(
        *SIGNS.recorded,
        Recorded(
            "test_accuracy_shuffled", "test accuracy in train mode, shuffled batches", "share", "measures"
        ),
        Recorded(
            "test_accuracy_sorted",
            "test accuracy in train mode, batches sorted by class",
            "share",
            "measures",
        ),
        Recorded(
            "test_accuracy_reestimated", "test accuracy with statistics estimated anew", "share", "measures"
        ),
        Recorded("test_batch", "images in a test batch", "count", "measures", of_data=True),
    ),
    texts=SIGNS.texts,
    samples=SIGNS.samples,
    table=(*SIGNS.table, "test_accuracy_shuffled", "test_accuracy_sorted", "test_accuracy_reestimated"),
)
"""Of a net with batch normalisation, which is tested in four ways."""

SIGNED = Kind(
    name="signs of gradients",
    recorded=(
        *_PLAIN.recorded,
        Recorded(
            "agreement", "gradients whose sign is that of all images’", "share", "measures", of_data=True
        ),
        Recorded(
            "reversals",
            "gradients whose sign is another in the next batch",
            "share",
            "measures",
            of_data=True,
        ),
    ),
    texts=_PLAIN.texts,
    samples=_PLAIN.samples,
    table=(*_PLAIN.table, "agreement", "reversals"),
)
"""Of a small training that also says how far the gradients of its batches agree."""
