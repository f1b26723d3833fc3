internal import MMCore

/// The initial mail, calendar and contacts of a mailbox.
struct MailContent: Sendable {
    let users: UserDirectory
    /// The index of the owner.
    let owner: Int
    private let mixing: Mixing
    private let messageIDs: ObjectIDs
    private let folderIDs: ObjectIDs
    private let eventIDs: ObjectIDs

    init(users: UserDirectory, owner: Int, mixing: Mixing) {
        self.users = users
        self.owner = owner
        self.mixing = mixing.branch(UInt64(1000 + owner))
        messageIDs = ObjectIDs(self.mixing.branch(1))
        folderIDs = ObjectIDs(self.mixing.branch(2))
        eventIDs = ObjectIDs(self.mixing.branch(3))
    }

    /// The folders that every mailbox has: well-known name and display name.
    static let folders: [(name: String, shown: String)] = [
        ("inbox", "Inbox"), ("drafts", "Drafts"), ("sentitems", "Sent Items"), ("deleteditems", "Deleted Items"),
        ("junkemail", "Junk Email"), ("archive", "Archive"), ("outbox", "Outbox"),
    ]

    private static let subjects = [
        "Minutes of the planning meeting", "Invoice %n", "Question about the rollout", "Your order %n has shipped",
        "Re: Budget for next quarter", "Draft contract for review", "Lunch on Thursday?",
        "Access request for the archive",
        "Security notice: new sign-in", "Slides for the board", "Re: Feedback on the proposal",
        "Maintenance on Saturday",
        "Travel approval %n", "Welcome to the team", "Updated price list", "Re: Incident %n",
    ]
    private static let texts = [
        "Please find the notes below and add what is missing by Friday.",
        "Could you have a look when you find a moment? It is not urgent.",
        "We agreed on the second option. The figures are in the attached sheet.",
        "Thank you for the quick answer. I will get back to you next week.",
        "The change is planned for the weekend, nobody should notice anything.",
        "As discussed, here are the numbers for the last quarter.",
    ]

    var messageCount: Int { 40 + mixing.number(0, 9, below: 60) }

    func folderID(_ index: Int) -> String { folderIDs.opaque(index, prefix: "AAMkAF", suffix: "AAA=") }

    func folderIndex(_ key: String) -> Int? {
        if let index = Self.folders.firstIndex(where: { $0.name == key.lowercased() }) { return index }
        return folderIDs.index(ofOpaque: key, prefix: "AAMkAF", suffix: "AAA=").flatMap {
            Self.folders.indices.contains($0) ? $0 : nil
        }
    }

    func messageIndex(_ key: String) -> Int? { messageIDs.index(ofOpaque: key, prefix: "AAMkAG", suffix: "AAA=") }

    func eventIndex(_ key: String) -> Int? { eventIDs.index(ofOpaque: key, prefix: "AAMkAE", suffix: "AAA=") }

    static func recipient(_ user: UserRow) -> JSONValue {
        ["emailAddress": ["name": .string(user.displayName), "address": .string(user.mail)]]
    }

    private func folder(of index: Int) -> Int {
        switch mixing.number(index, 20, below: 20) {
        case 0...12: 0
        case 13...15: 2
        case 16: 3
        case 17: 4
        default: 5
        }
    }

    /// Returns the message at an index; the newest is first.
    func message(_ index: Int) -> JSONObject {
        let folder = folder(of: index)
        let sent = folder == 2
        let me = users.row(owner)
        let other = users.row(mixing.number(index, 21, below: users.count))
        let received = users.now - Int64(index) * 25_200 - Int64(mixing.number(index, 22, below: 21_600))
        let subject = Self.subjects[mixing.number(index, 23, below: Self.subjects.count)]
            .replacing("%n", with: "\(1000 + mixing.number(index, 24, below: 9000))")
        let text = Self.texts[mixing.number(index, 25, below: Self.texts.count)]
        let hasAttachments = mixing.number(index, 26, below: 4) == 0
        return Self.message([
            "id": .string(messageIDs.opaque(index, prefix: "AAMkAG", suffix: "AAA=")),
            "createdDateTime": .string(ServiceTime.text(received)),
            "lastModifiedDateTime": .string(ServiceTime.text(received + 5)),
            "receivedDateTime": .string(ServiceTime.text(received)),
            "sentDateTime": .string(ServiceTime.text(received - 2)),
            "categories": mixing.number(index, 27, below: 9) == 0 ? ["Follow-up"] : [],
            "hasAttachments": .bool(hasAttachments),
            "internetMessageId": .string("<\(mixing.number(index, 28))@mail.\(users.domain)>"),
            "subject": .string(subject), "bodyPreview": .string(text),
            "importance": mixing.number(index, 29, below: 12) == 0 ? "high" : "normal",
            "parentFolderId": .string(folderID(folder)),
            "conversationId": .string(messageIDs.opaque(index / 2, prefix: "AAQkAC", suffix: "AAA=")),
            "isRead": .bool(sent || mixing.number(index, 30, below: 3) != 0), "isDraft": false,
            "body": ["contentType": "html", "content": .string("<html><body><p>\(text)</p></body></html>")],
            "sender": Self.recipient(sent ? me : other), "from": Self.recipient(sent ? me : other),
            "toRecipients": [Self.recipient(sent ? other : me)],
        ])
    }

    /// Returns a message with its missing properties filled in, in the service's order.
    static func message(_ given: JSONObject) -> JSONObject {
        let defaults: JSONObject = [
            "changeKey": "CQAAABYAAAD", "categories": [], "hasAttachments": false, "importance": "normal",
            "isDeliveryReceiptRequested": .null, "isReadReceiptRequested": false, "isRead": true, "isDraft": true,
            "webLink": .null, "inferenceClassification": "focused", "subject": .null, "bodyPreview": "",
            "body": ["contentType": "text", "content": ""], "toRecipients": [], "ccRecipients": [], "bccRecipients": [],
            "replyTo": [], "flag": ["flagStatus": "notFlagged"],
        ]
        return whole(given, defaults, .message)
    }

    /// Returns an item of a mailbox with the properties in the order of its kind, and behind them what a client added.
    private static func whole(_ given: JSONObject, _ defaults: JSONObject, _ kind: EntityKind) -> JSONObject {
        var item = JSONObject(kind.properties.compactMap { name in (given[name] ?? defaults[name]).map { (name, $0) } })
        item[EntityKind.extended] = given[EntityKind.extended]
        return item
    }

    /// Returns the initial attachment of a message.
    func attachment(of index: Int) -> JSONObject? {
        guard mixing.number(index, 26, below: 4) == 0 else { return nil }
        let content = Array("Figures of the quarter, row \(index)\n".utf8)
        return [
            "@odata.type": "#microsoft.graph.fileAttachment",
            "id": .string(messageIDs.opaque(index, prefix: "AAMkAT", suffix: "AAA=")),
            "lastModifiedDateTime": .string(ServiceTime.text(users.now - Int64(index) * 25_200)),
            "name": "figures.txt", "contentType": "text/plain", "size": .int(Int64(content.count)), "isInline": false,
            "contentBytes": .string(Base64.text(content)),
        ]
    }

    private static let meetings = [
        "Stand-up", "Project review", "One-to-one", "Customer call", "Interview", "Quarterly planning",
        "Design workshop", "Supplier visit",
    ]

    /// Returns the event at an index: two a day, starting ten days ago.
    func event(_ index: Int) -> JSONObject {
        let day = Int64(index / 2 - 10)
        let start = users.now / 86_400 * 86_400 + day * 86_400 + Int64(8 + mixing.number(index, 40, below: 9)) * 3600
        let end = start + Int64(1 + mixing.number(index, 41, below: 3)) * 1800
        let other = users.row(mixing.number(index, 42, below: users.count))
        let title = Self.meetings[mixing.number(index, 43, below: Self.meetings.count)]
        return Self.event(
            [
                "id": .string(eventIDs.opaque(index, prefix: "AAMkAE", suffix: "AAA=")),
                "createdDateTime": .string(ServiceTime.text(start - 864_000)),
                "lastModifiedDateTime": .string(ServiceTime.text(start - 432_000)),
                "subject": .string(title), "bodyPreview": .string("Agenda: \(title.lowercased())"),
                "body": [
                    "contentType": "html",
                    "content": .string("<html><body>Agenda: \(title.lowercased())</body></html>"),
                ],
                "start": ["dateTime": .string(ServiceTime.zonelessText(start) + ".0000000"), "timeZone": "UTC"],
                "end": ["dateTime": .string(ServiceTime.zonelessText(end) + ".0000000"), "timeZone": "UTC"],
                "location": ["displayName": .string("Room \(1 + mixing.number(index, 44, below: 40))")],
                "isOnlineMeeting": .bool(mixing.number(index, 45, below: 2) == 0),
                "attendees": [
                    [
                        "type": "required",
                        "status": ["response": "accepted", "time": .string(ServiceTime.text(start - 400_000))],
                        "emailAddress": ["name": .string(other.displayName), "address": .string(other.mail)],
                    ]
                ],
                "organizer": Self.recipient(users.row(owner)),
            ])
    }

    static let eventCount = 60

    static func event(_ given: JSONObject) -> JSONObject {
        let defaults: JSONObject = [
            "changeKey": "CQAAABYAAAE", "categories": [], "iCalUId": .string(given["id"]?.string ?? ""),
            "importance": "normal",
            "sensitivity": "normal", "isAllDay": false, "isCancelled": false, "isOrganizer": true,
            "isOnlineMeeting": false,
            "transactionId": .null, "originalStartTimeZone": "UTC", "originalEndTimeZone": "UTC",
            "reminderMinutesBeforeStart": 15, "isReminderOn": true, "onlineMeetingProvider": "unknown",
            "allowNewTimeProposals": true, "hideAttendees": false,
            "responseRequested": true, "showAs": "busy", "type": "singleInstance", "webLink": .null,
            "hasAttachments": false,
            "location": ["displayName": ""], "attendees": [], "recurrence": .null, "bodyPreview": "",
            "body": ["contentType": "text", "content": ""],
        ]
        return whole(given, defaults, .event)
    }

    /// Returns the initial contacts of a mailbox.
    func contacts() -> [JSONObject] {
        let ids = ObjectIDs(mixing.branch(5))
        return (0..<12).map { index in
            let person = users.row(mixing.number(index, 50, below: users.count))
            return [
                "id": .string(ids.opaque(index, prefix: "AAMkAC", suffix: "AAA=")),
                "createdDateTime": .string(ServiceTime.text(users.now - 9_000_000)),
                "lastModifiedDateTime": .string(ServiceTime.text(users.now - 8_000_000)),
                "changeKey": "EQAAABYAAAC", "categories": [], "displayName": .string(person.displayName),
                "givenName": .string(person.givenName), "surname": .string(person.surname),
                "jobTitle": .string(person.jobTitle), "companyName": "Contoso Sandbox",
                "mobilePhone": person.value(of: "mobilePhone") ?? .null,
                "businessPhones": person.value(of: "businessPhones") ?? [],
                "emailAddresses": [["name": .string(person.displayName), "address": .string(person.mail)]],
            ]
        }
    }
}
