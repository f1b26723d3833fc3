extension MMError {
    /// The output produced before the failure: rows of a script that threw halfway, or text printed before a deadline.
    /// Show it before the error; what was done by then stays done.
    package var output: JSONValue? {
        get { details["output"] }
        set { details["output"] = newValue }
    }

    /// Returns this error with the output that preceded it; unchanged when `values` is empty or output is already
    /// attached.
    package func withOutput(_ values: [JSONValue]) -> MMError {
        guard !values.isEmpty, output == nil else { return self }
        var error = self
        error.output = .array(values)
        return error
    }
}
