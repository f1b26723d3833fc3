internal import PowerShellSyntax

extension SendPreview {
    /// The preview of a command that sends: what its constant parameters tell.
    init(of name: String, bound: [BoundArgument]) {
        self.init(line: name)
        var text: String?
        for argument in bound {
            guard let written = argument.written?.asciiLowercased else { continue }
            let parameter = argument.name ?? written
            let texts = ConstantValue(argument.value).texts ?? ["(known only when it runs)"]
            switch parameter {
            case "to", "cc", "bcc", "user", "userid", "chatid", "channelid", "teamid", "recipients",
                "requiredattendees":
                recipients += texts.map { "\(parameter): \($0)" }
            case "subject", "title": subject = texts.joined(separator: " ")
            case "body", "message", "content", "comment": text = texts.joined(separator: "\n")
            case "attachments", "attachment": attachments += texts
            default: break
            }
        }
        body = text.map { String($0.prefix(Self.longestBody)) }
        isBodyCut = (text?.count ?? 0) > Self.longestBody
        if recipients.isEmpty { notes.append("The recipients are not constants of the command.") }
    }
}
