package import MMCore
import MMOperations

extension CommandStreams {
    /// Writes what a command of this machine answers, in the form and through the filter that the command line asks for;
    /// with `--quiet` alone nothing.
    /// - Parameters:
    ///   - value: the answer.
    ///   - options: those of the command line.
    ///   - columns: the members that a table shows, in their order; empty: all.
    /// - Throws: `MMError` when the filter fails, `cancelled` when nobody reads any more.
    package func show(_ value: JSONValue, _ options: GlobalOptions, columns: [String] = []) async throws(MMError) {
        if let program = options.jq {
            let filter = JQProgram(program, rawStrings: options.format == .text)
            return try write(try await filter.run(on: JSONWriter.bytes(value)))
        }
        guard !options.quiet || options.format != nil else { return }
        let renderer = AnswerRenderer(format: options.format) { (bytes) throws(MMError) in try write(bytes) }
        try await renderer.render(.value(value, columns: columns))
    }
}
