extension MMError {
    /// What came before the failure: rows of a script that threw in the middle, text that was printed before a deadline.
    /// Whoever shows the error shows this first; what was done by then stays done.
    package var output: JSONValue? {
        get { details["output"] }
        set { details["output"] = newValue }
    }

    /// The same error, with what came before it; nothing where that is nothing.
    package func after(_ values: [JSONValue]) -> MMError {
        guard !values.isEmpty, output == nil else { return self }
        var error = self
        error.output = .array(values)
        return error
    }
}
