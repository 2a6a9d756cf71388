"""The main job: candidates side by side, a recommendation and a report. Joins the parts of layer 1."""
