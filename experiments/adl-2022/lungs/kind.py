"""What the training of a net leaves that finds lungs."""

from cnnreport.kinds.kind import Kind, Recorded

LUNGS = Kind(
    name="lungs",
    recorded=(
        Recorded("batch_size", "batch size", "count", "spec"),
        Recorded("learning_rate", "learning rate", "number", "spec"),
        Recorded("filters", "filters of the highest level", "count", "spec", "num_filters", of_data=True),
        Recorded("size", "height and width of the images", "count", "spec", of_data=True),
        Recorded("train_loss", "training loss", "loss", "history"),
        Recorded("train_f1", "F1, training", "score", "history"),
        Recorded("loss", "validation loss", "loss", "history", "validation_loss", live="loss",
                 axis="loss (nats)"),
        Recorded("f1", "F1, validation", "score", "history", "validation_f1", live="F1", axis="F1",
                 best="highest"),
        Recorded("test_f1", "F1, test", "score", "measures", result=True),
        Recorded("test_f1_deviation", "deviation of the F1 over the test images", "score", "measures"),
        Recorded("test_f1_lowest", "F1, worst test image", "score", "measures"),
        Recorded("test_loss", "test loss", "loss", "measures"),
        Recorded("fixed_f1", "F1 of the fixed mask", "score", "measures", of_data=True),
        Recorded("lung_share", "share of pixels that are lung", "share", "measures", of_data=True),
        Recorded("train_images", "training images", "count", "measures", of_data=True),
        Recorded("validation_images", "validation images", "count", "measures", of_data=True),
        Recorded("test_images", "test images", "count", "measures", of_data=True),
        Recorded("parameters", "learned parameters", "count", "measures", of_data=True),
        Recorded("epochs", "epochs", "count", "measures", of_data=True),
        Recorded("updates", "updates", "count", "measures", of_data=True),
    ),
    texts=("diverged",),
    samples=("case_f1", "shown_number", "shown_image", "shown_mask", "shown_predicted"),
    table=("test_f1", "test_f1_deviation", "test_f1_lowest", "test_loss", "loss", "train_loss", "f1",
           "train_f1"),
)  # fmt: skip
"""Each number called F1 is that of single images, over whose pixels it is computed, and their mean."""
