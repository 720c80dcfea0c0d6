"""The REST API over studies, what they ask, what jurors said, results and exports."""
