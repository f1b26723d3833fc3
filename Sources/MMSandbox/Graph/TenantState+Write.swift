internal import MMCore
internal import MMHTTP

/// Creating, changing and deleting objects.
extension TenantState {
    mutating func create(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> SandboxResponse {
        switch place.node {
        case .collection(let address, _): return try create(call, place, in: address)
        case .made(let kind, _) where kind.name == "mailFolder":
            guard let owner = place.owner else { throw .notAllowed("POST") }
            return try create(call, place, in: .mailFolders(owner))
        default: throw .notAllowed(call.request.method)
        }
    }

    private mutating func create(_ call: GraphCall, _ place: GraphPlace, in address: TableAddress) throws(GraphFailure)
        -> SandboxResponse
    {
        let body = try call.object()
        let kind = store.table(address).kind
        var row = try checked(body, kind: kind, isNew: true)
        let id: String
        switch address {
        case .users:
            try checkNewUser(row)
            id = RandomBytes.uuid()
            finishUser(&row, id: id)
        case .groups:
            try checkNewGroup(row)
            id = RandomBytes.uuid()
            finishGroup(&row)
            linkNewGroup(body, id: id, principal: call.principal)
        case .applications, .servicePrincipals, .directoryRoles:
            id = RandomBytes.uuid()
            if address == .applications { row["appId"] = .string(RandomBytes.uuid()) }
            row["deletedDateTime"] = .null
        case .domains: id = row["id"]?.string ?? ""
        case .messages(let owner):
            id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
            finishMessage(&row, owner: owner, draft: true, folder: place)
        case .events:
            id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
            guard row["start"]?.object != nil, row["end"]?.object != nil else {
                throw GraphFailure(
                    400, "ErrorInvalidRequest",
                    "Your request can't be completed. The start and end of an event are required.")
            }
            row["organizer"] =
                store.user(place.owner ?? "").map {
                    ["emailAddress": ["name": $0["displayName"] ?? "", "address": $0["mail"] ?? ""]]
                } ?? .null
            row = MailContent.event(row)
        case .channelMessages, .chatMessages:
            return try post(call, body, address)
        case .contacts, .mailFolders, .calendars, .attachments: id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
        case .lists: id = RandomBytes.uuid()
        case .listItems: id = "\(1000 + store.sequence)"
        case .driveItems(let drive): return try createFolder(call, body, drive: drive, parent: place.owner)
        case .channels: id = "19:\(RandomBytes.uuid().filter { $0 != "-" })@thread.tacv2"
        default: throw .notAllowed("POST")
        }
        var stored: JSONObject = ["id": .string(id)]
        for (name, value) in row where name != "id" { stored[name] = value }
        if kind.types["createdDateTime"] != nil { stored["createdDateTime"] = .string(ServiceTime.text(now)) }
        if kind.types["lastModifiedDateTime"] != nil { stored["lastModifiedDateTime"] = .string(ServiceTime.text(now)) }
        if case .attachments(let owner, let message) = address {
            noteAttachment(&stored, owner: owner, message: message)
        }
        store.change(address) { $0.insert(stored, sequence: $1) }
        return try created(call, stored, in: address, label: place.label)
    }

    /// The answer to a successful creation.
    func created(_ call: GraphCall, _ stored: JSONObject, in address: TableAddress, label: String, status: Int = 201)
        throws(GraphFailure) -> SandboxResponse
    {
        let table = store.table(address)
        var visible = stored
        visible["passwordProfile"] = nil
        var bytes = Array(#"{"@odata.context":"#.utf8)
        JSONWriter.append("\(base)/\(call.version)/$metadata#\(label)/$entity", to: &bytes)
        var row: [UInt8] = []
        let id = stored["id"]?.string ?? ""
        RowWriter(kind: table.kind, select: nil).open(.object(visible), etag: etag(of: id, in: table), to: &row)
        bytes.append(UInt8(ascii: ","))
        bytes.append(contentsOf: row.dropFirst())
        bytes.append(UInt8(ascii: "}"))
        var answer = SandboxResponse(status: status, contentType: Self.graphContentType, body: bytes)
        answer.headers.set(
            "Location",
            "\(base)/\(call.version)/\(label)/\(PercentCoding.encode(id, isPlain: PercentCoding.isSegmentByte))")
        return answer
    }

    /// The properties of a body that may be written, each of the right type.
    func checked(_ body: JSONObject, kind: EntityKind, isNew: Bool) throws(GraphFailure) -> JSONObject {
        var row: JSONObject = [:]
        for (name, value) in body {
            if name.contains("@") { continue }
            guard let type = kind.types[name] else {
                throw GraphFailure(400, "Request_BadRequest", "Invalid property '\(name)'.")
            }
            let isOwnName = kind.name == "domain" && name == "id" && isNew
            guard !kind.readOnly.contains(name) || isOwnName else {
                throw .badRequest("Property '\(name)' is read-only and cannot be set.")
            }
            guard Self.fits(value, type) else {
                throw .badRequest(
                    "Invalid value specified for property '\(name)' of resource '\(kind.name.prefix(1).uppercased())\(kind.name.dropFirst())'."
                )
            }
            row[name] = value
        }
        if isNew {
            for name in kind.required where row[name] == nil || row[name] == .null || row[name] == "" {
                throw .badRequest(
                    "A value is required for property '\(name)' of resource '\(kind.name.prefix(1).uppercased())\(kind.name.dropFirst())'."
                )
            }
        }
        return row
    }

    private static func fits(_ value: JSONValue, _ type: PropertyType) -> Bool {
        switch (value, type) {
        case (.null, _): true
        case (.string, .text): true
        case (.string(let text), .time): ServiceTime.seconds(text) != nil
        case (.bool, .flag): true
        case (.int, .whole), (.double, .whole): true
        case (.object, .complex): true
        case (.array, .collection): true
        default: false
        }
    }

    private func checkNewUser(_ row: JSONObject) throws(GraphFailure) {
        let name = row["userPrincipalName"]?.string ?? ""
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .badRequest("Invalid value specified for property 'userPrincipalName' of resource 'User'.")
        }
        guard store.table(.domains).find(String(parts[1]).lowercased()) != nil else {
            throw .badRequest(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."
            )
        }
        guard store.user(name) == nil else {
            throw .badRequest("Another object with the same value for property userPrincipalName already exists.")
        }
        let password = row["passwordProfile"]?["password"]?.string ?? ""
        guard password.utf8.count >= 8 else {
            throw .badRequest(
                "The specified password does not comply with password complexity requirements. Please provide a different password."
            )
        }
    }

    private func finishUser(_ row: inout JSONObject, id: String) {
        let name = row["userPrincipalName"]?.string ?? ""
        var full: JSONObject = [:]
        for property in EntityKind.user.properties {
            let type = EntityKind.user.types[property]
            full[property] = row[property] ?? (type == .collection ? [] : .null)
        }
        full["passwordProfile"] = .null
        full["userType"] = row["userType"] ?? "Member"
        full["mail"] = row["mail"] ?? .null
        full["identities"] = [
            [
                "signInType": "userPrincipalName", "issuer": .string(TenantIdentity.domain),
                "issuerAssignedId": .string(name),
            ]
        ]
        row = full
    }

    private func checkNewGroup(_ row: JSONObject) throws(GraphFailure) {
        let nickname = row["mailNickname"]?.string ?? ""
        guard !nickname.isEmpty, nickname.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") }) else {
            throw .badRequest("Invalid value specified for property 'mailNickname' of resource 'Group'.")
        }
        var isTaken = false
        if row["groupTypes"]?.array?.contains("Unified") == true {
            store.table(.groups).scan { group in
                isTaken = group["mail"]?.string?.lowercased() == "\(nickname)@\(TenantIdentity.domain)".lowercased()
                return !isTaken
            }
        }
        guard !isTaken else { throw .conflict }
    }

    private func finishGroup(_ row: inout JSONObject) {
        var full: JSONObject = [:]
        for property in EntityKind.group.properties {
            full[property] = row[property] ?? (EntityKind.group.types[property] == .collection ? [] : .null)
        }
        if row["groupTypes"]?.array?.contains("Unified") == true {
            let mail = "\(row["mailNickname"]?.string ?? "")@\(TenantIdentity.domain)"
            full["mail"] = .string(mail)
            full["proxyAddresses"] = [.string("SMTP:\(mail)")]
            full["visibility"] = row["visibility"] ?? "Public"
        }
        full["renewedDateTime"] = .string(ServiceTime.text(now))
        row = full
    }

    private mutating func linkNewGroup(_ body: JSONObject, id: String, principal: SignedInPrincipal) {
        for relation in [LinkAddress.Relation.members, .owners] {
            let named =
                body["\(relation.rawValue)@odata.bind"]?.array?.compactMap {
                    $0.string?.split(separator: "/").last.map(String.init)
                } ?? []
            var ids = named.compactMap { object($0)?.1.id }
            if relation == .owners, ids.isEmpty, !principal.isApp { ids = [principal.objectID] }
            if !ids.isEmpty { store.changeLinks(LinkAddress(owner: id, relation: relation)) { $0.added = ids } }
        }
    }

    /// Whether an `If-Match` header fits the row.
    func checkETag(_ call: GraphCall, id: String, in table: EntityTable) throws(GraphFailure) {
        guard let wanted = call.request.headers["if-match"], wanted != "*" else { return }
        let right = Self.etag(id, version: table.version(of: id))
        guard wanted.split(separator: ",").contains(where: { $0.filter { $0 != " " } == right.filter { $0 != " " } })
        else { throw .staleETag }
    }

    mutating func update(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> SandboxResponse {
        if case .single(nil, let record) = place.node, place.label.hasSuffix("mailboxSettings"),
            call.request.method == "PATCH"
        {
            var settings = record.members(of: .directoryObject)
            for (name, value) in try call.object() where !name.contains("@") {
                guard settings[name] != nil else { throw .badRequest("Invalid property '\(name)'.") }
                settings[name] = value
            }
            if let owner = place.owner { mailboxChanges[owner] = settings }
            return SandboxResponse(status: 200, json: .object(settings), contentType: Self.graphContentType)
        }
        guard case .row(let address, let key) = place.node else { throw .notAllowed(call.request.method) }
        let table = store.table(address)
        guard let record = table.find(key) else { throw place.area.missing ?? .missing(key) }
        guard call.request.method == "PATCH" else { throw .notAllowed(call.request.method) }
        try checkETag(call, id: record.id, in: table)
        let body = try call.object()
        let changes = try checked(body, kind: table.kind, isNew: false)
        if address == .users, let name = changes["userPrincipalName"]?.string, let other = store.user(name),
            other.id != record.id
        {
            throw .badRequest("Another object with the same value for property userPrincipalName already exists.")
        }
        if address == .users, changes["passwordProfile"] != nil { revoke(record.id) }
        var row = record.members(of: table.kind)
        for (name, value) in changes where name != "passwordProfile" { row[name] = value }
        if table.kind.types["lastModifiedDateTime"] != nil {
            row["lastModifiedDateTime"] = .string(ServiceTime.text(now))
        }
        if changes["body"]?["content"]?.string != nil, table.kind.types["bodyPreview"] != nil {
            row["bodyPreview"] = .string(Self.preview(changes["body"]))
        }
        store.change(address) { $0.replace(record.id, with: row, sequence: $1) }
        // The directory answers a change with nothing, the other services with the whole object.
        guard !table.kind.isDirectoryObject else { return SandboxResponse(status: 204) }
        var answer = try created(call, row, in: address, label: place.label, status: 200)
        answer.headers.remove("Location")
        return answer
    }

    mutating func delete(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> SandboxResponse {
        guard case .row(let address, let key) = place.node else { throw .notAllowed(call.request.method) }
        let table = store.table(address)
        guard let record = table.find(key) else { throw place.area.missing ?? .missing(key) }
        try checkETag(call, id: record.id, in: table)
        var kept = record.members(of: table.kind)
        kept["deletedDateTime"] = .string(ServiceTime.text(now))
        switch address {
        case .users: store.change(.deletedUsers) { $0.insert(kept, sequence: $1) }
        case .groups: store.change(.deletedGroups) { $0.insert(kept, sequence: $1) }
        case .messages(let owner):
            try moveToDeleted(record, owner: owner)
            return SandboxResponse(status: 204)
        default: break
        }
        store.change(address) { _ = $0.remove(record.id, sequence: $1) }
        return SandboxResponse(status: 204)
    }

    /// Ends every token of a user.
    mutating func revoke(_ userID: String) {
        ledger.revokedBefore[userID] = ledger.serial
    }

    static func preview(_ body: JSONValue?) -> String {
        let content = body?["content"]?.string ?? ""
        return String((body?["contentType"]?.string?.lowercased() == "html" ? plainText(content) : content).prefix(255))
    }

    /// A text without its markup.
    static func plainText(_ content: String) -> String {
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
