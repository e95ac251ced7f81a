"""An image is pushed to ECR; every ECS service that follows its tag moves to that exact image."""

__version__ = "0.2.0"
