internal import MMCore
internal import MMHTTP

/// Sending, answering and moving mail. Sent messages stay in the tenant: in Sent Items, in the recipients' mailboxes,
/// and in the outbox that tests read.
struct GraphMail {
    let context: TenantContext
    let store: DirectoryStore
    let outbox: Outbox
    let answers: GraphAnswers

    func sendMail(_ call: GraphCall, owner: String) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        guard let message = body["message"]?.object ?? body["Message"]?.object else {
            throw GraphFailure(
                400, "ErrorInvalidRequest", "Your request can't be completed. The message to send is missing.")
        }
        let row = try EntityKind.message.checked(message.filteredMembers { $0 != "attachments" }, isNew: false)
        let saves = (body["saveToSentItems"] ?? body["SaveToSentItems"])?.bool ?? true
        try deliver(
            row, attachments: message["attachments"]?.array ?? [], from: owner, saves: saves, action: "sendMail")
        return HTTPServerResponse(status: 202)
    }

    /// Delivers a message to the mailboxes of its recipients.
    private func deliver(
        _ message: JSONObject, attachments: [JSONValue], from owner: String, saves: Bool, action: String
    ) throws(GraphFailure) {
        let recipients = ["toRecipients", "ccRecipients", "bccRecipients"].flatMap { message[$0]?.array ?? [] }
        let addresses = recipients.compactMap { $0["emailAddress"]?["address"]?.string }
        guard !addresses.isEmpty, addresses.count == recipients.count else {
            throw GraphFailure(
                400, "ErrorInvalidRecipients", "At least one recipient isn't valid., Recipient is not resolved.")
        }
        for address in addresses
        where address.split(separator: "@", omittingEmptySubsequences: false).count != 2 || address.contains(" ") {
            throw GraphFailure(
                400, "ErrorInvalidRecipients",
                "At least one recipient isn't valid., Recipient '\(address.prefix(200))' is not resolved.")
        }
        guard addresses.count <= 500 else {
            throw GraphFailure(400, "ErrorExceededRecipientLimit", "The message has too many recipients.")
        }
        var sent = message
        let sender = senderValue(owner)
        sent["from"] = message["from"] ?? sender
        sent["sender"] = sender
        sent["isDraft"] = false
        sent["isRead"] = true
        sent["hasAttachments"] = .bool(!attachments.isEmpty)
        stamp(&sent)
        outbox.add(
            [
                "action": .string(action), "from": sender, "message": .object(sent), "attachments": .array(attachments),
                "sentDateTime": .string(ServiceTime.text(context.now)),
            ])
        if saves { insert(sent, into: "sentitems", owner: owner, attachments: attachments) }
        sent["isRead"] = false
        for address in Set(addresses.map { $0.lowercased() }).sorted() {
            guard let recipient = store.user(address) else { continue }
            var copy = sent
            copy["bccRecipients"] = []
            insert(copy, into: "inbox", owner: recipient.id, attachments: attachments)
        }
    }

    private func senderValue(_ owner: String) -> JSONValue {
        guard let user = store.user(owner) else { return .null }
        return ["emailAddress": ["name": user["displayName"] ?? "", "address": user["mail"] ?? ""]]
    }

    private func stamp(_ message: inout JSONObject) {
        let time = JSONValue.string(ServiceTime.text(context.now))
        for name in ["createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime"] {
            message[name] = time
        }
        message["bodyPreview"] = .string(MessageText.preview(message["body"]))
    }

    private func insert(_ message: JSONObject, into folder: String, owner: String, attachments: [JSONValue]) {
        let id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
        var row = message
        row["id"] = .string(id)
        row["parentFolderId"] = .string(folderID(folder, owner: owner))
        row["conversationId"] = message["conversationId"] ?? .string("AAQkAN\(RandomBytes.text(bytes: 12))")
        row["internetMessageId"] = .string("<\(RandomBytes.uuid())@mail.\(TenantIdentity.domain)>")
        let stored = MailContent.message(row)
        store.insert(stored, into: .messages(owner))
        for attachment in attachments {
            guard var members = attachment.object else { continue }
            noteAttachment(&members, owner: owner, message: id)
            members["id"] = .string("AAMkAN\(RandomBytes.text(bytes: 16))AAA=")
            store.insert(members, into: .attachments(owner: owner, message: id))
        }
    }

    func folderID(_ name: String, owner: String) -> String { store.table(.mailFolders(owner)).find(name)?.id ?? name }

    /// Adds the missing properties to a new message in a mailbox, which is a draft.
    func finishMessage(_ row: inout JSONObject, owner: String, folder: GraphPlace) {
        var folderName = "drafts"
        if folder.label.contains("mailFolders('"), let named = folder.label.split(separator: "'").dropLast().last {
            folderName = String(named)
        }
        row["isDraft"] = true
        row["isRead"] = true
        stamp(&row)
        row["from"] = row["from"] ?? senderValue(owner)
        row["sender"] = senderValue(owner)
        row["parentFolderId"] = .string(folderID(folderName, owner: owner))
        row["conversationId"] = row["conversationId"] ?? .string("AAQkAN\(RandomBytes.text(bytes: 12))")
        row["internetMessageId"] = .string("<\(RandomBytes.uuid())@mail.\(TenantIdentity.domain)>")
        row = MailContent.message(row)
    }

    /// Adds the missing properties to a new attachment, and marks its message as having one.
    func noteAttachment(_ row: inout JSONObject, owner: String, message: String) {
        row["@odata.type"] = row["@odata.type"] ?? "#microsoft.graph.fileAttachment"
        row["contentType"] = row["contentType"] ?? "application/octet-stream"
        row["isInline"] = row["isInline"] ?? false
        row["lastModifiedDateTime"] = .string(ServiceTime.text(context.now))
        row["size"] = .int(Int64(row["contentBytes"]?.string.flatMap { Base64.bytes($0)?.count } ?? 0))
        guard let record = store.table(.messages(owner)).find(message), record["hasAttachments"]?.bool != true else {
            return
        }
        var changed = record.members(of: .message)
        changed["hasAttachments"] = true
        store.replace(message, with: changed, in: .messages(owner))
    }

    /// Moves a deleted message to Deleted Items, or deletes it permanently there.
    func moveToDeleted(_ record: Record, owner: String) throws(GraphFailure) {
        let bin = folderID("deleteditems", owner: owner)
        store.remove(record.id, from: .messages(owner))
        guard record["parentFolderId"]?.string != bin else { return }
        var row = record.members(of: .message)
        row["id"] = .string("AAMkAN\(RandomBytes.text(bytes: 24))AAA=")
        row["parentFolderId"] = .string(bin)
        store.insert(row, into: .messages(owner))
    }

    func action(_ call: GraphCall, _ record: Record, owner: String, _ action: String)
        throws(GraphFailure) -> HTTPServerResponse?
    {
        let message = record.members(of: .message)
        let attachments = store.table(.attachments(owner: owner, message: record.id)).all.map {
            JSONValue.object($0.members(of: .attachment))
        }
        switch action {
        case "$value":
            let text =
                "From: \(message["from"]?["emailAddress"]?["address"]?.string ?? "")\r\nSubject: \(message["subject"]?.string ?? "")\r\n\r\n\(MessageText.preview(message["body"]))\r\n"
            return HTTPServerResponse(status: 200, contentType: "text/plain", body: Array(text.utf8))
        case "send":
            try call.requirePost()
            guard message["isDraft"]?.bool == true else {
                throw GraphFailure(400, "ErrorInvalidRequest", "The message is no draft.")
            }
            try deliver(message, attachments: attachments, from: owner, saves: true, action: "send")
            store.remove(record.id, from: .messages(owner))
            return HTTPServerResponse(status: 202)
        case "reply", "replyAll", "forward":
            try call.requirePost()
            let draft = try answerDraft(to: message, owner: owner, action, try call.optionalObject())
            try deliver(
                draft, attachments: action == "forward" ? attachments : [], from: owner, saves: true, action: action)
            return HTTPServerResponse(status: 202)
        case "createReply", "createReplyAll", "createForward":
            try call.requirePost()
            let kind = "\(action.dropFirst(6).prefix(1).lowercased())\(action.dropFirst(7))"
            var draft = try answerDraft(to: message, owner: owner, kind, try call.optionalObject())
            finishMessage(&draft, owner: owner, folder: GraphPlace(.links([], nil), "", .mail, []))
            var stored: JSONObject = ["id": .string("AAMkAN\(RandomBytes.text(bytes: 24))AAA=")]
            for (name, value) in draft { stored[name] = value }
            store.insert(stored, into: .messages(owner))
            return try answers.created(call, stored, in: .messages(owner), label: "users('\(owner)')/messages")
        case "move", "copy":
            try call.requirePost()
            guard let destination = try call.object()["destinationId"]?.string,
                let folder = store.table(.mailFolders(owner)).find(destination)
            else {
                throw .mailItemMissing
            }
            var moved = message
            moved["id"] = .string("AAMkAN\(RandomBytes.text(bytes: 24))AAA=")
            moved["parentFolderId"] = .string(folder.id)
            if action == "move" { store.remove(record.id, from: .messages(owner)) }
            store.insert(moved, into: .messages(owner))
            return try answers.created(call, moved, in: .messages(owner), label: "users('\(owner)')/messages")
        default: return nil
        }
    }

    /// Returns the draft of a reply or of a forwarded message.
    private func answerDraft(to message: JSONObject, owner: String, _ action: String, _ body: JSONObject)
        throws(GraphFailure) -> JSONObject
    {
        let given = try EntityKind.message.checked(
            (body["message"]?.object ?? [:]).filteredMembers { $0 != "attachments" }, isNew: false)
        var draft = given
        let me = store.user(owner)?["mail"]?.string?.lowercased()
        let original = message["from"].map { [$0] } ?? []
        let everyone =
            original
            + (message["toRecipients"]?.array ?? []).filter {
                $0["emailAddress"]?["address"]?.string?.lowercased() != me
            }
        let mark = action == "forward" ? "FW: " : "RE: "
        draft["subject"] = given["subject"] ?? .string(mark + (message["subject"]?.string ?? ""))
        draft["conversationId"] = message["conversationId"]
        switch action {
        case "forward": draft["toRecipients"] = given["toRecipients"] ?? body["toRecipients"] ?? []
        case "replyAll":
            draft["toRecipients"] = given["toRecipients"] ?? .array(everyone)
            draft["ccRecipients"] = given["ccRecipients"] ?? message["ccRecipients"] ?? []
        default: draft["toRecipients"] = given["toRecipients"] ?? .array(original)
        }
        let comment = body["comment"]?.string ?? body["Comment"]?.string ?? ""
        draft["body"] =
            given["body"] ?? [
                "contentType": "text", "content": .string("\(comment)\n\n\(MessageText.preview(message["body"]))"),
            ]
        return draft
    }
}

extension JSONObject {
    /// Returns the members whose key passes a test.
    func filteredMembers(_ keep: (String) -> Bool) -> JSONObject {
        JSONObject(filter { keep($0.key) }.map { ($0.key, $0.value) })
    }
}

/// The texts of messages.
enum MessageText {
    /// Returns the first line or two of a body.
    static func preview(_ body: JSONValue?) -> String {
        let content = body?["content"]?.string ?? ""
        return String((body?["contentType"]?.string?.lowercased() == "html" ? plain(content) : content).prefix(255))
    }

    /// Returns a text without its markup.
    static func plain(_ content: String) -> String {
        var text = ""
        var inTag = false
        for character in content {
            switch character {
            case "<": inTag = true
            case ">": inTag = false
            default: if !inTag { text.append(character) }
            }
        }
        return text
    }
}
