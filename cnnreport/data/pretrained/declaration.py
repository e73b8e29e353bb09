"""The weights that the segmentation net begins with, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet

WEIGHTS = DataSet(
    name="weights",
    title="weights of a pre-trained segmentation net",
    choices=(
        Choice("resnet101", "torchvision's DeepLabV3 with a ResNet-101, pre-trained on COCO"),
        Choice("resnet50", "the same with a ResNet-50"),
        Choice("mobilenet_v3_large", "the same with a MobileNetV3-Large"),
        Choice("embedded", "the small net that comes with cnnreport", stand_in=True),
    ),
    locate="cnnreport.data.pretrained.pretrained:locate",
    prepare="cnnreport.data.pretrained.pretrained_file:prepare",
)
