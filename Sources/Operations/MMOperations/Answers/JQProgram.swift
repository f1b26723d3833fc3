import Glibc
package import MMCore
import MMSystem

/// A filter over JSON, run by the `jq` program, which gets nothing but its input: no environment, no files, little time.
///
/// Programs that read files or tell about the process are refused: `import` and `include` read any JSON file of the user,
/// token caches included.
package struct JQProgram: Sendable {
    private static let refused: Set<String> = ["import", "include", "input_filename", "__prog_args"]
    private static let longest = 20_000
    let program: String
    private let rawStrings: Bool

    /// A filter.
    /// - Parameters:
    ///   - program: the jq program.
    ///   - rawStrings: whether strings are written without quotes.
    package init(_ program: String, rawStrings: Bool = false) {
        self.program = program
        self.rawStrings = rawStrings
    }

    /// Runs the filter.
    /// - Parameters:
    ///   - input: the JSON texts to filter.
    ///   - timeout: how long it may run.
    /// - Returns: what it writes, one compact JSON text a line.
    /// - Throws: `invalid_input` with jq's own words when the program is wrong, `unsupported` when jq is missing.
    package func run(on input: [UInt8], timeout: Duration = .seconds(20)) async throws(MMError) -> [UInt8] {
        try check()
        let command = try command(program, seconds: timeout.components.seconds + 1)
        let limit = 64 << 20
        let outcome = try await ChildProcess.run(command, input: input, limit: limit, timeout: timeout)
        if outcome.isCut {
            throw MMError(.limitExceeded, "jq wrote more than \(limit >> 20) MiB.", hint: "Select less.")
        }
        guard outcome.exit.code == 0 else { throw Self.refusal(outcome.error) }
        return outcome.output
    }

    /// The program as a command, which may compute for so many seconds.
    func command(_ program: String, seconds: Int64) throws(MMError) -> ChildCommand {
        guard let jq = ExecutableSearch.find("jq", path: "/usr/local/bin:/usr/bin:/bin") else {
            throw MMError(.unsupported, "The program jq is not installed.", hint: "Install it: sudo apt-get install jq")
        }
        // The blank keeps a program that begins with a minus from being taken for an option.
        var command = ChildCommand(jq, [rawStrings ? "-r" : "-c", " " + program], environment: [:], directory: "/")
        command.limits = [
            .init(resource: Int32(RLIMIT_FSIZE.rawValue), value: 0),
            .init(resource: Int32(RLIMIT_AS.rawValue), value: 2 << 30),
            .init(resource: Int32(RLIMIT_CPU.rawValue), value: UInt64(seconds)),
        ]
        return command
    }

    /// What jq says of a program that it doesn't take, or of an input that the program doesn't fit.
    static func refusal(_ said: [UInt8]) -> MMError {
        let words = String(decoding: said.prefix(1000), as: UTF8.self)
        // Who knows the service's own answers expects the list below `value`.
        let hint =
            words.contains("Cannot index array with string")
            ? "What it gets is an array of rows: `.[]` in place of `.value[]`."
            : "See the jq manual, section Basic filters."
        return MMError(.invalidInput, "jq refused the filter: \(words)", hint: hint)
    }

    /// Words that reach files are refused wherever they stand, also inside strings: better one odd filter less than one
    /// that reads a token cache.
    func check() throws(MMError) {
        guard program.utf8.count <= Self.longest, !program.utf8.contains(0) else {
            throw MMError(.invalidInput, "A jq program has at most \(Self.longest) bytes and no NUL.")
        }
        let words = program.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        guard let word = words.first(where: { Self.refused.contains($0) }) else { return }
        throw MMError(
            .denied, "jq programs may not use `\(word)`: it reads files or tells about the process.",
            hint: "Filter the input alone.")
    }
}
