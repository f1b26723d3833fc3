internal import MMCore

/// With whom files are shared.
extension FileContent {
    /// How an item is shared, besides with its owner.
    private enum Sharing {
        case none, anonymous, guest, organization
    }

    /// A few files in ten are shared; folders and the root are not.
    private func sharing(of place: Int, _ local: Mixing) -> Sharing {
        guard place > Self.folderCount else { return .none }
        switch local.number(place, 31, below: 20) {
        case 0: return .anonymous
        case 1: return .guest
        case 2, 3: return .organization
        default: return .none
        }
    }

    /// The `shared` facet of an item; `nil` for one that is not shared.
    func shared(_ place: Int, _ local: Mixing) -> JSONValue? {
        let scope: JSONValue
        switch sharing(of: place, local) {
        case .none: return nil
        case .anonymous: scope = "anonymous"
        case .guest: scope = "users"
        case .organization: scope = "organization"
        }
        return ["scope": scope]
    }

    /// What a drive's item starts with: its owner, and a link or a guest.
    func permissions(on item: String, ofDrive drive: String) -> [JSONObject] {
        guard let local = mixing(ofDrive: drive), let place = itemIndex(item, local) else { return [] }
        var rows: [JSONObject] = []
        if let owner = self.drive(drive)?["owner"] {
            rows.append([
                "id": .string(Self.permissionID(item, "owner")), "roles": ["owner"],
                "grantedToV2": owner, "inheritedFrom": place == 0 ? .null : ["driveId": .string(drive)],
            ])
        }
        switch sharing(of: place, local) {
        case .none: break
        case .anonymous: rows.append(Self.link(item, type: "view", scope: "anonymous"))
        case .organization: rows.append(Self.link(item, type: "edit", scope: "organization"))
        case .guest:
            let guest = guestIndex(near: local.number(place, 32, below: users.count))
            rows.append(Self.grant(users.row(guest), on: item, role: "read"))
        }
        return rows
    }

    /// A sharing link.
    static func link(_ item: String, type: String, scope: String) -> JSONObject {
        let id = permissionID(item, "\(type):\(scope)")
        return [
            "id": .string(id), "roles": [type == "edit" ? "write" : "read"], "shareId": .string("u!\(id)"),
            "hasPassword": false,
            "link": [
                "type": .string(type), "scope": .string(scope), "preventsDownload": false,
                "webUrl": .string("https://\(host)/:x:/s/\(id)"),
            ], "grantedToIdentitiesV2": [],
        ]
    }

    /// The right of one person.
    static func grant(_ user: UserRow, on item: String, role: String) -> JSONObject {
        grant(id: user.id, name: user.displayName, mail: user.mail, on: item, role: role)
    }

    static func grant(id: String, name: String, mail: String, on item: String, role: String) -> JSONObject {
        [
            "id": .string(permissionID(item, mail)), "roles": [.string(role)],
            "grantedToV2": [
                "user": ["id": .string(id), "displayName": .string(name), "email": .string(mail)],
                "siteUser": ["displayName": .string(name), "email": .string(mail)],
            ], "invitation": ["email": .string(mail), "signInRequired": true],
        ]
    }

    private static func permissionID(_ item: String, _ what: String) -> String {
        Base64.text(SHA256.digest(Array("\(item) \(what)".utf8)).prefix(18).map { $0 }, alphabet: .url)
    }

    /// The first guest from a place on.
    private func guestIndex(near start: Int) -> Int {
        (0..<users.count).lazy.map { (start + $0) % users.count }.first { users.row($0).isGuest } ?? 4
    }
}
