public import MMCore

/// What an operation answers: notes for the reader first, then the body.
public struct OperationAnswer: Sendable {
    /// Lines that stand before the body: what was left out, who is signed in, what to do next.
    public var notes: [String]
    /// The answer itself.
    public var body: Body
    /// Which members of a row a table shows, in order; empty: those of the first rows.
    public var columns: [String]
    /// The answer in words, for people who asked for no format.
    public var text: String?
    /// Whether those words are what a program wrote, or data: a screen then shows them as they are.
    package var isVerbatim = false
    /// The exit status of a command line that asked: that of the command that was run, where one was.
    package var exitStatus: Int32 = 0
    /// What the answer lacks of what was asked, where it lacks something: told also to those who want no notes. A command
    /// line then ends with status 1.
    package var missing: String? { didSet { if missing != nil, exitStatus == 0 { exitStatus = 1 } } }
    /// What a script reported that did not end it. A command line ends with status 1, unless the script gave another one;
    /// lines for people stand among the notes as well.
    package var errors: [ReportedError] = [] { didSet { if !errors.isEmpty, exitStatus == 0 { exitStatus = 1 } } }
    /// What that command wrote to its standard error, byte for byte: a terminal's own standard error gets it.
    package var standardError: [UInt8] = []
    /// The connection whose data this is; stored rests are bound to it.
    public var connection: String?
    /// The form that the caller asked for when the call began, where the answer is read later: `table`, `csv` or `jsonl`.
    package var form: String?
    /// Where the whole answer lies already; its body then reads from there.
    package var stored: StoredOutput?

    /// The answer itself.
    public enum Body: Sendable {
        /// A JSON value of our own making.
        case value(JSONValue)
        /// A JSON text of a service, passed through as it came.
        case json([UInt8])
        /// Text for people.
        case text(String)
        /// Anything else, with its media type.
        case bytes([UInt8], contentType: String)
        /// A list that is still being fetched.
        case items(ItemStream)
        /// What a command writes while it runs, as rows of `CommandPiece`.
        case output(ItemStream)

        /// What is still being fetched.
        package var stream: ItemStream? {
            switch self {
            case .items(let stream), .output(let stream): stream
            case .value, .json, .text, .bytes: nil
            }
        }

        /// The same with the rows of another stream; only for what flows.
        package func flowing(_ stream: ItemStream) -> Body {
            if case .output = self { return .output(stream) }
            return .items(stream)
        }
    }

    /// An answer.
    /// - Parameters:
    ///   - body: the answer itself.
    ///   - notes: lines that stand before it.
    ///   - columns: which members of a row a table shows.
    ///   - text: the answer in words.
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

    /// An answer whose words are what a program wrote, or data.
    package init(_ body: Body, verbatim text: String?) {
        self.init(body, text: text)
        isVerbatim = true
    }

    /// An answer that is one JSON value.
    public static func value(_ value: JSONValue, notes: [String] = [], columns: [String] = []) -> OperationAnswer {
        OperationAnswer(.value(value), notes: notes, columns: columns)
    }
}
