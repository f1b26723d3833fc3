import Glibc
package import MMCore
import MMSystem

/// A JSON filter that is run by the `jq` program with an empty environment, no write access to files, and limited
/// memory and time.
///
/// Programs that read files or tell about the process are refused: `import` and `include` read any JSON file of the
/// user, token caches included.
package struct JQProgram: Sendable {
    private static let refused: Set<String> = ["import", "include", "input_filename", "__prog_args"]
    private static let longest = 20_000
    let program: String
    private let rawStrings: Bool

    /// Creates a filter.
    /// - Parameters:
    ///   - program: the jq program.
    ///   - rawStrings: whether strings are written without quotes.
    package init(_ program: String, rawStrings: Bool = false) {
        self.program = program
        self.rawStrings = rawStrings
    }

    /// Runs the filter, for 20 seconds at most.
    /// - Parameter input: the JSON texts to filter.
    /// - Returns: jq's output, one compact JSON text a line.
    /// - Throws: `invalid_input` with jq's message if the program is wrong, `unsupported` if jq is missing.
    package func run(on input: [UInt8]) async throws(MMError) -> [UInt8] {
        try check()
        let command = try command(program, seconds: 21)
        let limit = 64 << 20
        let outcome = try await ChildProcess.run(command, input: input, limit: limit, timeout: .seconds(20))
        if outcome.isCut {
            throw MMError(.limitExceeded, "jq wrote more than \(limit >> 20) MiB.", hint: "Select less.")
        }
        guard outcome.exit.code == 0 else { throw Self.refusal(outcome.error) }
        return outcome.output
    }

    /// Checks the program before a call that must not be made if its answer can't be filtered: without input jq only
    /// compiles it.
    /// - Throws: the errors of `run`.
    package func compile() async throws(MMError) { _ = try await run(on: []) }

    /// Returns the command that runs the program, limited to a number of seconds of CPU time.
    func command(_ program: String, seconds: Int64) throws(MMError) -> ChildCommand {
        guard let jq = ExecutableSearch.find("jq", path: "/usr/local/bin:/usr/bin:/bin") else {
            throw MMError(.unsupported, "The program jq is not installed.", hint: "Install it: sudo apt-get install jq")
        }
        // The blank keeps a program that begins with a minus sign from being taken for an option.
        var command = ChildCommand(jq, [rawStrings ? "-r" : "-c", " " + program], environment: [:], directory: "/")
        command.limits = [
            .init(resource: Int32(RLIMIT_FSIZE.rawValue), value: 0),
            .init(resource: Int32(RLIMIT_AS.rawValue), value: 2 << 30),
            .init(resource: Int32(RLIMIT_CPU.rawValue), value: UInt64(seconds)),
        ]
        return command
    }

    /// Returns the error for a program that jq refuses or that doesn't fit its input.
    static func refusal(_ said: [UInt8]) -> MMError {
        let words = String(decoding: said.prefix(1000), as: UTF8.self)
        return MMError(.invalidInput, "jq refused the filter: \(words)", hint: hint(on: words))
    }

    private static func hint(on words: String) -> String {
        if words.contains("Cannot index array with string") {
            // A caller that knows the service's raw answers expects the list in `value`.
            return "The input is an array of rows: begin with `.[]`, as in `.[] | select(.mail == null)`, "
                + "not with `.value` or a member."
        }
        return
            "Members begin with a dot, texts are in double quotes: `.[] | select(.department == \"Sales\") | .displayName`."
    }

    /// Refuses words that can read files, even inside strings: refusing a harmless filter is better than running one
    /// that reads a token cache.
    func check() throws(MMError) {
        guard program.utf8.count <= Self.longest, !program.utf8.contains(0) else {
            throw MMError(.invalidInput, "A jq filter has at most \(Self.longest) bytes and no NUL.")
        }
        let words = program.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        guard let word = words.first(where: { Self.refused.contains($0) }) else { return }
        throw MMError(
            .denied, "jq filters may not use `\(word)`: it reads files or reveals details of the process.",
            hint: "Use only the filter's input.")
    }
}

extension JQProgram {
    /// Runs the filter on a list while the list is fetched, if the filter treats each item separately.
    /// - Parameters:
    ///   - items: the list.
    ///   - write: called with jq's output as it comes.
    /// - Returns: whether the filter ran. If not, nothing was fetched.
    /// - Throws: the errors of `run`, of fetching and of writing.
    package func run(
        onItemsOf items: ItemStream, write: @escaping @Sendable ([UInt8]) throws(MMError) -> Void
    ) async throws(MMError) -> Bool {
        try check()
        guard let each = JQItemProgram(of: program) else { return false }
        var command = try command(each.program, seconds: 600)
        command.input = .pipe
        let child = try await ChildProcess.start(command)
        let outcome = await withTaskCancellationHandler {
            async let written = Self.pass(child.output, to: write)
            async let said = Self.words(child.error)
            let fed = await Self.feed(items, to: child)
            // If `write` failed, jq was stopped by its closed output, and its exit status doesn't matter.
            let (end, text) = await (written, said)
            return (fed: fed, written: end, said: text, exit: await child.exit())
        } onCancel: {
            child.signalGroup(SIGKILL)
        }
        if Task.isCancelled { throw MMError(.cancelled, "The filter was cancelled.") }
        try outcome.written.get()
        try outcome.fed.get()
        guard outcome.exit.code == 0 else { throw Self.refusal(outcome.said) }
        return true
    }

    /// Fetches the list and writes it to jq, one JSON text a line.
    private static func feed(_ items: ItemStream, to child: ChildProcess) async -> Result<Void, MMError> {
        defer { child.input?.close() }
        do throws(MMError) {
            while let batch = try await items.next() {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(batch.reduce(0) { $0 + $1.count + 1 })
                for item in batch {
                    bytes += item
                    bytes.append(0x0A)
                }
                // A failed write means that jq has ended early; its own error is reported.
                guard let input = child.input, (try? await input.write(bytes)) != nil else { break }
            }
            return .success(())
        } catch {
            child.signalGroup(SIGKILL)
            return .failure(error)
        }
    }

    private static func pass(
        _ output: PolledReader?, to write: @Sendable ([UInt8]) throws(MMError) -> Void
    ) async -> Result<Void, MMError> {
        do throws(MMError) {
            while let piece = try await output?.read() { try write(piece) }
            return .success(())
        } catch {
            output?.close()
            return .failure(error)
        }
    }

    private static func words(_ error: PolledReader?) async -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try? await error?.read() { bytes += piece.prefix(4_096 - bytes.count) }
        return bytes
    }
}

/// A jq program that treats each item of a list separately and so doesn't need the whole list: `.[]`, `.[].name`, `.[]
/// | …`.
///
/// jq's pipe has the lowest precedence, so everything after the first pipe is applied to each item. Other programs that
/// begin with `.[]` (`.[] + 1`, `.[], length`, `.[] |= …`) and programs that read further inputs don't qualify.
struct JQItemProgram: Sendable {
    /// The program to run on each item.
    let program: String

    /// Derives the program for an item; `nil` if the whole list is needed.
    init?(of program: String) {
        let text = program.drop(while: \.isWhitespace)
        guard text.hasPrefix(".[]"), !Self.readsInputs(program) else { return nil }
        let rest = text.dropFirst(3)
        guard let end = Self.endOfPath(rest) else { return nil }
        let path = rest[..<end]
        let behind = rest[end...].drop(while: \.isWhitespace)
        guard behind.isEmpty || Self.isPipe(behind) else { return nil }
        let head = path.isEmpty ? "." : path.hasPrefix("[") || path.hasPrefix("?") ? ".\(path)" : String(path)
        self.program = head + (behind.isEmpty ? "" : " " + behind)
    }

    private static func isPipe(_ text: Substring) -> Bool {
        text.hasPrefix("|") && !text.hasPrefix("|=")
    }

    /// Returns the end of a path such as `.name`, `[0]` or `.values[]?`; `nil` if the text is not a plain path.
    private static func endOfPath(_ text: Substring) -> Substring.Index? {
        var place = text.startIndex
        while place < text.endIndex {
            switch text[place] {
            case ".":
                let name = text[text.index(after: place)...].prefix {
                    $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
                }
                guard let first = name.first, !first.isNumber else { return nil }
                place = name.endIndex
            case "[":
                guard let close = text[place...].firstIndex(of: "]") else { return nil }
                let inner = text[text.index(after: place)..<close]
                guard inner.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
                place = text.index(after: close)
            case "?":
                // `.[]?` ignores an input that isn't a list, which never happens here.
                place = text.index(after: place)
                // `?//` is an operator.
                if place < text.endIndex, text[place] == "/" { return nil }
            default: return place
            }
        }
        return place
    }

    /// Returns whether a program reads inputs by itself, halts, or asks for the number of the input.
    private static func readsInputs(_ program: String) -> Bool {
        let words = program.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return words.contains { ["input", "inputs", "input_line_number", "halt", "halt_error"].contains($0) }
    }
}
