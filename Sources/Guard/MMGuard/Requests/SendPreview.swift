internal import MMCore
internal import PowerShellSyntax

/// A message that would be sent in a person's name, as shown to the person who confirms it.
package struct SendPreview: Sendable, Hashable {
    /// The request line, or the command.
    package var line: String
    /// The addresses, each with its field: `to: ann@contoso.com`.
    package var recipients: [String]
    /// The subject.
    package var subject: String?
    /// The first 500 characters of the text.
    package var body: String?
    /// Whether the text is longer than `body`.
    package var isBodyCut: Bool
    /// The names of the attachments.
    package var attachments: [String]
    /// Facts that the request doesn't contain, with a hint at how to see them.
    package var notes: [String]

    static let longestBody = 500

    /// Creates a preview.
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
    /// Creates the preview of a request to Graph.
    init(of request: GuardedRequest) {
        self.init(line: "\(request.method.uppercased()) \(request.target.pathAndQuery)", body: request.body)
    }

    /// Creates the preview of one item of a batch, or of any request line with its body.
    init(line: String, body: RequestBody) {
        self.init(line: line)
        guard case .json(let value) = body, let object = value.object else {
            notes.append("The request does not contain the message: read the draft or the original first.")
            return
        }
        // `sendMail` wraps the message and `reply` adds a comment; for chats and channels the body is the message.
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
        var text =
            Self.member("comment", of: object)?.string
            ?? content?.object.flatMap { Self.member("content", of: $0)?.string } ?? content?.string
        // Beside a message these settings would be no part of what is sent, and must not stand for it.
        if text == nil, message == object, recipients.isEmpty,
            let replies = Self.member("automaticRepliesSetting", of: object)?.object
        {
            recipients.append(Self.anyWriter)
            text = Self.text(
                ofReplies: ["internalReplyMessage", "externalReplyMessage"].compactMap {
                    Self.member($0, of: replies)?.string
                })
        }
        self.body = text.map { String($0.prefix(Self.longestBody)) }
        isBodyCut = (text?.count ?? 0) > Self.longestBody
        for attachment in Self.member("attachments", of: message)?.array ?? [] {
            attachments.append(attachment["name"]?.string ?? attachment["Name"]?.string ?? "unnamed")
        }
        if recipients.isEmpty {
            notes.append("The recipients are those of the conversation or draft, not in the request.")
        }
    }

    /// The recipient of automatic replies.
    private static let anyWriter = "to: whoever writes to the mailbox"

    /// Returns the texts of automatic replies as one: that for the organisation's own people and that for others.
    private static func text(ofReplies texts: [String]) -> String? {
        texts.first == texts.last ? texts.first : texts.joined(separator: "\n")
    }

    private static func member(_ name: String, of object: JSONObject) -> JSONValue? {
        object[name] ?? object.first { $0.key.asciiLowercased == name.asciiLowercased }?.value
    }
}

/// Turns a request's classification into findings and a verdict.
struct RequestJudge: Sendable {
    /// The rules for requests that hide their effect.
    private static let hiding: Set<String> = [
        "method-header", "nested-batch", "batch-absolute-url", "batch-unreadable", "address-spelling",
        "unreadable-body",
    ]

    let classifier: RequestClassifier
    let user: UserRuleFile

    init(tables: GuardTables) {
        classifier = RequestClassifier(tables: tables)
        user = tables.user
    }

    func judge(_ request: GuardedRequest, policy: GuardPolicy, confirmed: Bool) -> Verdict {
        judge(request, classifier.classify(request), policy, confirmed: confirmed)
    }

    /// Returns the joint verdict on requests that are sent together; `nil` if there are none.
    func judge(_ requests: [GuardedRequest], policy: GuardPolicy, confirmed: Bool) -> Verdict? {
        let all = requests.map { (request: $0, found: classifier.classify($0)) }
        let verdicts = all.map { judge($0.request, $0.found, policy, confirmed: confirmed) }
        guard requests.count > 1 else { return verdicts.first }
        let many = user.apply(to: manyChanges(in: all.map { $0.found }))
        return Verdict.joined(verdicts)?.adding(many, policy: policy, confirmed: confirmed)
    }

    private func judge(
        _ request: GuardedRequest, _ found: RequestClassification, _ policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        let line = "\(request.method.uppercased()) \(request.target.pathAndQuery)"
        var findings = user.apply(
            to: self.findings(found, line: line, method: request.method) + manyChanges(in: [found]))
        if request.target.service == .signIn { findings.append(Self.ownSignIn(line)) }
        return Verdict(
            findings: findings, policy: policy, confirmed: confirmed, previews: previews(found, request))
    }

    /// Returns the finding for requests that together change many objects; none if they are few.
    func manyChanges(in requests: [RequestClassification]) -> [GuardFinding] {
        let objects = requests.reduce(into: Set<String>()) { $0.formUnion($1.objects) }.count
        guard objects > TargetCount.few else { return [] }
        return [.bulk("Sending changes to \(objects) objects", instead: "Look at the changes first, with a dry run.")]
    }

    /// Returns the finding for a request to the sign-in service. Sessions only sign in through the session pool, and
    /// nothing else may ask for tokens.
    private static func ownSignIn(_ line: String) -> GuardFinding {
        GuardFinding(
            rule: "own-sign-in", classes: .session, reason: "\(line): it signs in or requests a token.",
            instead: "Sign in with mm login.", subject: line)
    }

    /// Returns the findings for a classified request; a batch has findings for each item.
    func findings(_ found: RequestClassification, line: String, method: String) -> [GuardFinding] {
        guard found.items.isEmpty else {
            return found.items.flatMap { item in
                findings(item.classification, line: "item \(item.id): \(item.line)", method: item.line)
            }
        }
        let what = found.template ?? "this path"
        var kind = GuardFinding.Kind.classified
        let strictest = found.classes.strictest
        var reason =
            [.read, .write].contains(strictest)
            ? "\(line): \(found.why)." : "\(line) \(strictest.meaning) (\(found.why))."
        var instead: String?
        if found.sendsMessage {
            kind = .sendGuard
            instead = "Save the message as a draft."
        } else if !found.isKnown, found.classes == .write || (found.classes == .read && found.method != "GET") {
            kind = .unknown
            let what = found.rule.hasPrefix("unknown-") ? found.why : "this path is unknown"
            reason = "\(line): \(what), and so the effect of the change is unknown."
            instead = "Check the spelling in the service's documentation."
        } else if Self.hiding.contains(found.rule) {
            kind = .dynamic
            instead = "Send the requests one by one, with plain methods and relative addresses."
        } else if found.isForSelection, found.classes.contains(.secret) {
            instead = "Name the properties that you need in $select, without the secret one."
        } else if found.rule == "link-without-ref" {
            instead = "Add /$ref at the end of the path, which removes only the link and keeps \(what)."
        }
        let finding = GuardFinding(
            rule: kind == .unknown && !found.rule.hasPrefix("unknown-") ? "unknown-path" : found.rule,
            classes: found.classes, kind: kind, reason: reason,
            instead: instead, subject: line)
        return user.apply(
            to: [finding], service: found.service.rawValue, method: found.method, forms: found.forms, line: line)
    }

    private func previews(_ found: RequestClassification, _ request: GuardedRequest) -> [SendPreview] {
        guard found.items.isEmpty else {
            return found.items.filter { $0.classification.classes.contains(.send) }
                .map { SendPreview(line: "item \($0.id): \($0.line)", body: $0.body) }
        }
        return found.classes.contains(.send) ? [SendPreview(of: request)] : []
    }
}

extension SendPreview {
    /// Creates the preview of a command that sends, from its constant parameters.
    init(of name: String, bound: [BoundArgument]) {
        self.init(line: name)
        var text: String?
        var replies: [String] = []
        for argument in bound {
            guard let written = argument.written?.asciiLowercased else { continue }
            let parameter = argument.name ?? written
            let texts = ConstantValue(argument.value).texts ?? ["(known only at run time)"]
            switch parameter {
            case "to", "cc", "bcc", "user", "userid", "chatid", "channelid", "teamid", "recipients",
                "requiredattendees":
                recipients += texts.map { "\(parameter): \($0)" }
            case "subject", "title": subject = texts.joined(separator: " ")
            case "body", "message", "content", "comment": text = texts.joined(separator: "\n")
            case "attachments", "attachment": attachments += texts
            case "autoreplystate", "internalmessage", "externalmessage":
                if !recipients.contains(Self.anyWriter) { recipients.append(Self.anyWriter) }
                if parameter != "autoreplystate" { replies += texts }
            default: break
            }
        }
        text = text ?? Self.text(ofReplies: replies)
        body = text.map { String($0.prefix(Self.longestBody)) }
        isBodyCut = (text?.count ?? 0) > Self.longestBody
        if recipients.isEmpty { notes.append("The recipients are not constants of the command.") }
    }
}
