"""Models that every network has to beat: trees and a linear model on counts that a person could name."""
