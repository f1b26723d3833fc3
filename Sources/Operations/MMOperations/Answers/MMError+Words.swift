package import MMCore

extension MMError {
    /// Returns the error with its texts rewritten for its caller, except for one that a person is shown word for word.
    package func told(in words: (String) -> String) -> MMError {
        guard code != .confirmationNeeded, code != .signInNeeded else { return self }
        var told = self
        told.message = words(message)
        told.hint = hint.map(words)
        return told
    }
}
