/// What leaves in somebody's name: shown to the person who confirms it.
public struct SendPreview: Sendable, Hashable {
    /// The request line, or the command.
    public var line: String
    /// Addresses, with their field: `to: ann@contoso.com`.
    public var recipients: [String]
    /// The subject.
    public var subject: String?
    /// The first 500 characters of the text.
    public var body: String?
    /// Whether there is more text.
    public var isBodyCut: Bool
    /// The names of the attachments.
    public var attachments: [String]
    /// What the request does not tell, and how to see it.
    public var notes: [String]

    static let longestBody = 500

    /// A preview.
    public init(
        line: String, recipients: [String] = [], subject: String? = nil, body: String? = nil,
        attachments: [String] = [], notes: [String] = []
    ) {
        self.line = line
        self.recipients = recipients
        self.subject = subject
        self.body = body.map { String($0.prefix(Self.longestBody)) }
        isBodyCut = (body?.count ?? 0) > Self.longestBody
        self.attachments = attachments
        self.notes = notes
    }

    /// The preview as lines for a person.
    public var lines: [String] {
        var lines = [line]
        lines += recipients
        if let subject { lines.append("subject: \(subject)") }
        if !attachments.isEmpty { lines.append("attachments: \(attachments.joined(separator: ", "))") }
        if let body { lines.append("text: \(body)\(isBodyCut ? "…" : "")") }
        return lines + notes
    }
}
