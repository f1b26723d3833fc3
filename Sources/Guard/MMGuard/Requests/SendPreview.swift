internal import MMCore

/// What leaves in somebody's name: shown to the person who confirms it.
package struct SendPreview: Sendable, Hashable {
    /// The request line, or the command.
    package var line: String
    /// Addresses, with their field: `to: ann@contoso.com`.
    package var recipients: [String]
    /// The subject.
    package var subject: String?
    /// The first 500 characters of the text.
    package var body: String?
    /// Whether there is more text.
    package var isBodyCut: Bool
    /// The names of the attachments.
    package var attachments: [String]
    /// What the request does not tell, and how to see it.
    package var notes: [String]

    static let longestBody = 500

    /// A preview.
    package init(
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
    package var lines: [String] {
        var lines = [line]
        lines += recipients
        if let subject { lines.append("subject: \(subject)") }
        if !attachments.isEmpty { lines.append("attachments: \(attachments.joined(separator: ", "))") }
        if let body { lines.append("text: \(body)\(isBodyCut ? "…" : "")") }
        return lines + notes
    }
}

extension SendPreview {
    /// The preview of a request to Graph.
    init(of request: GuardedRequest) {
        self.init(line: "\(request.method.uppercased()) \(request.target.pathAndQuery)", body: request.body)
    }

    /// The preview of one item of a batch, or of any request line with its body.
    init(line: String, body: RequestBody) {
        self.init(line: line)
        guard case .json(let value) = body, let object = value.object else {
            notes.append("The request does not carry the message: read the draft or the original first.")
            return
        }
        // sendMail wraps the message, reply adds a comment, chats and channels carry the message itself.
        let message = Self.member("message", of: object)?.object ?? object
        for field in ["toRecipients", "ccRecipients", "bccRecipients", "attendees"] {
            let name = field.hasSuffix("Recipients") ? String(field.dropLast(10)) : "attendee"
            for source in message == object ? [object] : [message, object] {
                for entry in Self.member(field, of: source)?.array ?? [] {
                    let mailbox = entry.object.flatMap { Self.member("emailAddress", of: $0)?.object }
                    let address = mailbox.flatMap { Self.member("address", of: $0)?.string }
                    recipients.append("\(name): \(address ?? "?")")
                }
            }
        }
        if let address = Self.member("invitedUserEmailAddress", of: object)?.string {
            recipients.append("to: \(address)")
        }
        for entry in Self.member("recipients", of: object)?.array ?? [] {
            recipients.append("to: \(entry["email"]?.string ?? entry["alias"]?.string ?? "?")")
        }
        subject = Self.member("subject", of: message)?.string
        let content = Self.member("body", of: message)
        let text =
            Self.member("comment", of: object)?.string
            ?? content?.object.flatMap { Self.member("content", of: $0)?.string } ?? content?.string
        self.body = text.map { String($0.prefix(Self.longestBody)) }
        isBodyCut = (text?.count ?? 0) > Self.longestBody
        for attachment in Self.member("attachments", of: message)?.array ?? [] {
            attachments.append(attachment["name"]?.string ?? attachment["Name"]?.string ?? "unnamed")
        }
        if recipients.isEmpty {
            notes.append("The recipients are not in the request: they are those of the conversation or draft.")
        }
    }

    private static func member(_ name: String, of object: JSONObject) -> JSONValue? {
        object[name] ?? object.first { $0.key.asciiLowercased == name.asciiLowercased }?.value
    }
}
