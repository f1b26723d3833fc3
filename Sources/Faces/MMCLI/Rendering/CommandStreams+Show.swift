package import MMCore
import MMOperations

extension CommandStreams {
    /// Writes the answer of a local command in the format and through the filter of the command line; with `--quiet`
    /// alone, nothing.
    /// - Parameters:
    ///   - value: the answer.
    ///   - options: the options of the command line.
    ///   - columns: the members that a table shows, in order; empty for all.
    /// - Throws: `MMError` when the filter fails, `cancelled` when nobody reads the output any more.
    package func show(_ value: JSONValue, _ options: GlobalOptions, columns: [String] = []) async throws(MMError) {
        if let program = options.jq {
            let filter = JQProgram(program, rawStrings: options.format == .text)
            return try write(try await filter.run(on: JSONWriter.bytes(value)))
        }
        guard !options.quiet || options.format != nil else { return }
        let renderer = AnswerRenderer(options.form(on: screen)) { (bytes) throws(MMError) in try write(bytes) }
        try await renderer.render(.value(value, columns: columns))
    }
}
