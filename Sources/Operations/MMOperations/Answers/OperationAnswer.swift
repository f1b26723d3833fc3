public import MMCore

/// The answer of an operation: notes for the reader, followed by the body.
public struct OperationAnswer: Sendable {
    /// Lines before the body, such as what was left out, who is signed in, or what to do next.
    public var notes: [String]
    /// The body of the answer.
    public var body: Body
    /// The members of a row that a table shows, in order; empty for those of the first rows.
    public var columns: [String]
    /// The answer as text for people, used when no output format is requested.
    public var text: String?
    /// Whether `text` is a program's output or data, which a screen shows unchanged.
    package var isVerbatim = false
    /// The exit status for a command line: that of the command, if one was run.
    package var exitStatus: Int32 = 0
    /// What is missing from the answer, if anything. It is shown even if notes are not wanted, and a command line ends
    /// with status 1.
    package var missing: String? { didSet { if missing != nil, exitStatus == 0 { exitStatus = 1 } } }
    /// Errors that a script reported without ending. A command line ends with status 1, unless the script gave another
    /// one. The notes hold lines about them for people.
    package var errors: [ReportedError] = [] { didSet { if !errors.isEmpty, exitStatus == 0 { exitStatus = 1 } } }
    /// The exact bytes of the command's standard error, which a terminal front-end writes to its own standard error.
    package var standardError: [UInt8] = []
    /// The connection whose data this is. Parts of the answer that are stored belong to it.
    public var connection: String?
    /// Whether the guard judged the call a read, so that it can be repeated without changing anything.
    package var isOfRead = false
    /// Whether other people wrote the body, where its members don't show that.
    package var isForeign = false
    /// The output format that the caller asked for when the call began, for an answer that is read later: `table`,
    /// `csv` or `jsonl`.
    package var form: String?
    /// The stored output, if the whole answer is in the store; the body then reads from there.
    package var stored: StoredOutput?
    /// What waits until the answer has arrived, if anything: a call gives some things only once.
    package var delivery: Delivery?

    /// The body of an answer.
    public enum Body: Sendable {
        /// A JSON value made by this program.
        case value(JSONValue)
        /// A JSON text of a service, passed through unchanged.
        case json([UInt8])
        /// Text for people.
        case text(String)
        /// Anything else, with its media type.
        case bytes([UInt8], contentType: String)
        /// A list that is still being fetched.
        case items(ItemStream)
        /// The output of a running command, in rows with the member `stdout` or `stderr`; with `"encoding": "base64"`
        /// where it isn't text.
        case output(ItemStream)

        /// The stream of a list or output that is still being fetched.
        package var stream: ItemStream? {
            switch self {
            case .items(let stream), .output(let stream): stream
            case .value, .json, .text, .bytes: nil
            }
        }

        /// Whether it is the first page of a service's list with further pages.
        package var isFirstPage: Bool {
            guard case .json(let bytes) = self else { return false }
            return (try? JSONParser.parse(bytes))?.hasNextPage ?? false
        }

        /// Returns a body of the same kind with another stream, for a body that is a stream.
        package func flowing(_ stream: ItemStream) -> Body {
            if case .output = self { return .output(stream) }
            return .items(stream)
        }
    }

    /// Creates an answer.
    /// - Parameters:
    ///   - body: the body.
    ///   - notes: lines before the body.
    ///   - columns: the members of a row that a table shows.
    ///   - text: the answer as text for people.
    ///   - connection: the connection whose data this is.
    public init(
        _ body: Body, notes: [String] = [], columns: [String] = [], text: String? = nil, connection: String? = nil
    ) {
        self.body = body
        self.notes = notes
        self.columns = columns
        self.text = text
        self.connection = connection
    }

    /// Creates an answer whose text is a program's output or data.
    package init(_ body: Body, verbatim text: String?) {
        self.init(body, text: text)
        isVerbatim = true
    }

    /// What is missing from the answer although its call ended, a sentence each: the errors of a script or of one of
    /// several connections, and the pages after the first. For a list it is known once its rows have been read.
    public var whatIsMissing: [String] {
        let later = body.isFirstPage ? ["Only the first rows are here. Give `all` for all, or `top` for a number."] : []
        return reportedAtOnce + (body.stream?.end().errors ?? []).map(\.message) + later
    }

    /// Lines after the rows of a list, such as of which connections only the first rows were read. They are known once
    /// the rows have been read.
    public var closingNotes: [String] { body.stream?.end().notes ?? [] }

    /// The errors that were reported before the body, and what is known to be missing from it.
    package var reportedAtOnce: [String] { [missing].compactMap(\.self) + errors.map(\.message) }

    /// Says that the whole answer has arrived where it was to go. Until then the next call gives again what a call
    /// gives only once, such as changes since the last call.
    /// - Throws: the errors of remembering what was given.
    public func delivered() async throws(MMError) { try await delivery?.settle() }

    /// Adds what a streamed answer knows only at its end.
    package mutating func add(_ end: AnswerEnd) {
        notes += end.notes
        errors += end.errors
        exitStatus = end.exitStatus ?? exitStatus
        isForeign = isForeign || end.isForeign
    }

    /// Returns an answer that is one JSON value.
    public static func value(_ value: JSONValue, notes: [String] = [], columns: [String] = []) -> OperationAnswer {
        OperationAnswer(.value(value), notes: notes, columns: columns)
    }
}
