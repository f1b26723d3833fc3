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

extension JQProgram {
    /// Runs the filter on a list while it is fetched, if it does the same to each item.
    /// - Parameters:
    ///   - items: the list.
    ///   - write: takes what jq writes, as it comes.
    /// - Returns: whether it did; where it didn't, nothing was fetched.
    /// - Throws: as `run`, and the error of fetching or of writing.
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
            // Who stopped reading has stopped the program too; what it says then is of no interest.
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

    /// Fetches the list and hands it to jq, one text a line.
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
                // jq has ended early, over an error of its own: that one is told.
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

/// A jq program that does the same to each item of a list, and so need not see the list as a whole: `.[]`, `.[].name`,
/// `.[] | …`.
///
/// jq's pipe binds weakest, so that whatever stands behind the first one belongs to it alone. Other programs that begin
/// with `.[]` (`.[] + 1`, `.[], length`, `.[] |= …`) and those that read further inputs by themselves are none.
struct JQItemProgram: Sendable {
    /// What is done to each item.
    let program: String

    /// The program for an item; nil where the list is needed as a whole.
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

    /// Where a path such as `.name`, `[0]` or `.values[]?` ends; nil where what follows is more than a path.
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
                // `.[]?` skips what is no list: an item that isn't one is never asked for.
                place = text.index(after: place)
                // `?//` is an operator.
                if place < text.endIndex, text[place] == "/" { return nil }
            default: return place
            }
        }
        return place
    }

    /// Whether it takes inputs by itself, stops at one, or tells which one it is at.
    private static func readsInputs(_ program: String) -> Bool {
        let words = program.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return words.contains { ["input", "inputs", "input_line_number", "halt", "halt_error"].contains($0) }
    }
}
