internal import MMCore

/// The drives of the tenant and their initial files.
struct FileContent: Sendable {
    /// The owner of a drive.
    enum Owner: Sendable {
        case user(Int)
        case group(Int)
        case site(Int)
    }

    private let driveIDs: ObjectIDs
    private let mixing: Mixing
    let users: UserDirectory
    private let groups: GroupDirectory
    static let host = "contososandbox.sharepoint.com"

    init(users: UserDirectory, groups: GroupDirectory, mixing: Mixing) {
        self.users = users
        self.groups = groups
        self.mixing = mixing.branch(6)
        driveIDs = ObjectIDs(mixing.branch(7))
    }

    func driveID(_ owner: Owner) -> String {
        let index =
            switch owner {
            case .user(let index): index
            case .group(let index): 1 << 28 | index
            case .site(let index): 2 << 28 | index
            }
        return driveIDs.opaque(index, prefix: "b!")
    }

    func owner(ofDrive id: String) -> Owner? {
        guard let index = driveIDs.index(ofOpaque: id, prefix: "b!") else { return nil }
        let place = index & (1 << 28 - 1)
        return switch index >> 28 {
        case 0: place < users.count ? .user(place) : nil
        case 1: place < groups.count ? .group(place) : nil
        case 2: place < SiteContent.count ? .site(place) : nil
        default: nil
        }
    }

    func drive(_ id: String) -> JSONObject? {
        guard let owner = owner(ofDrive: id) else { return nil }
        var path = ""
        var identity: JSONValue = .null
        switch owner {
        case .user(let index):
            let user = users.row(index)
            let personal = user.userPrincipalName.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
            path = "-my.sharepoint.com/personal/\(personal)/Documents"
            identity = [
                "user": ["id": .string(user.id), "displayName": .string(user.displayName), "email": .string(user.mail)]
            ]
        case .group(let index):
            let name = groups.displayName(index)
            path = ".sharepoint.com/sites/\(name.filter { $0 != " " })/Shared%20Documents"
            identity = ["group": ["id": .string(groups.ids.guid(index)), "displayName": .string(name)]]
        case .site(let index):
            path = ".sharepoint.com/sites/\(SiteContent.names[index].path)/Shared%20Documents"
            identity = ["group": ["displayName": .string(SiteContent.names[index].shown)]]
        }
        var isPersonal = false
        if case .user = owner { isPersonal = true }
        return [
            "id": .string(id), "createdDateTime": "2024-02-01T08:00:00Z", "description": "",
            "driveType": isPersonal ? "business" : "documentLibrary",
            "lastModifiedDateTime": .string(ServiceTime.text(users.now - 3600)),
            "name": isPersonal ? "OneDrive" : "Documents", "webUrl": .string("https://contososandbox\(path)"),
            "owner": identity,
            "quota": [
                "deleted": 0, "remaining": 1_099_000_000_000, "state": "normal", "total": 1_099_511_627_776,
                "used": 511_627_776,
            ],
        ]
    }

    private static let folderNames = ["Documents", "Pictures", "Reports", "Archive"]
    private static let fileNames = [
        ("Budget %n.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("Minutes %n.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("Presentation %n.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("Scan %n.pdf", "application/pdf"), ("Notes %n.txt", "text/plain"), ("Photo %n.jpg", "image/jpeg"),
    ]

    private static let fileCount = 24
    /// The number of folders that a drive has initially, below its root.
    static var folderCount: Int { folderNames.count }

    private func mixing(of owner: Owner) -> Mixing {
        let seed =
            switch owner {
            case .user(let index): index
            case .group(let index): 100_000_000 + index
            case .site(let index): 200_000_000 + index
            }
        return mixing.branch(UInt64(seed))
    }

    /// Returns the generated numbers of a drive.
    func mixing(ofDrive id: String) -> Mixing? { owner(ofDrive: id).map(mixing(of:)) }

    /// Returns the index of an initial item of a drive.
    func itemIndex(_ id: String, _ local: Mixing) -> Int? {
        let ids = ObjectIDs(local)
        return (0...Self.fileCount + Self.folderCount).first { ids.opaque($0, prefix: "01").uppercased() == id }
    }

    /// Returns the initial items of a drive: a root, four folders, two dozen files.
    func items(ofDrive id: String) -> [JSONObject] {
        guard let owner = owner(ofDrive: id), let drive = drive(id) else { return [] }
        let local = mixing(of: owner)
        let ids = ObjectIDs(local)
        let url = drive["webUrl"]?.string ?? ""
        func itemID(_ index: Int) -> String { ids.opaque(index, prefix: "01").uppercased() }
        func stamp(_ index: Int) -> Int64 { users.now - Int64(3600 + local.number(index, 1, below: 300 * 86_400)) }
        func parent(_ index: Int, path: String) -> JSONValue {
            [
                "driveId": .string(id), "driveType": drive["driveType"] ?? "", "id": .string(itemID(index)),
                "path": .string("/drives/\(id)/root:\(path)"),
            ]
        }
        var items: [JSONObject] = []
        let fileCount = Self.fileCount
        items.append(
            Self.item(
                id: itemID(0), name: "root", created: stamp(0), url: url, size: 0,
                more: ["root": [:], "folder": ["childCount": .int(Int64(Self.folderNames.count))]]))
        for (place, name) in Self.folderNames.enumerated() {
            items.append(
                Self.item(
                    id: itemID(1 + place), name: name, created: stamp(1 + place), url: "\(url)/\(name)", size: 0,
                    more: [
                        "parentReference": parent(0, path: ""),
                        "folder": ["childCount": .int(Int64(fileCount / Self.folderNames.count))],
                    ]))
        }
        for file in 0..<fileCount {
            let index = 1 + Self.folderNames.count + file
            let folder = file % Self.folderNames.count
            let (pattern, type) = Self.fileNames[local.number(index, 2, below: Self.fileNames.count)]
            let name = pattern.replacing("%n", with: "\(100 + file)")
            items.append(
                Self.item(
                    id: itemID(index), name: name, created: stamp(index), shared: shared(index, local),
                    url: "\(url)/\(Self.folderNames[folder])/\(name)",
                    size: Int64(Self.startContent(name: name).count),
                    more: [
                        "parentReference": parent(1 + folder, path: "/\(Self.folderNames[folder])"),
                        "file": [
                            "mimeType": .string(type),
                            "hashes": [
                                "quickXorHash": .string(StoredContent(Self.startContent(name: name)).quickXorHash)
                            ],
                        ],
                    ]))
        }
        return items
    }

    /// Returns the initial content of a file.
    static func startContent(name: String) -> [UInt8] {
        var content: [UInt8] = []
        for line in 0..<64 { content.append(contentsOf: "\(name): line \(line) of the sandbox\n".utf8) }
        return content
    }

    /// Returns a new folder.
    static func folder(_ name: String, in parent: String, drive: String, url: String, created: Int64) -> JSONObject {
        item(
            id: "01\(RandomBytes.text(bytes: 16).uppercased().filter { $0.isLetter || $0.isNumber })", name: name,
            created: created, url: "\(url)/\(PercentCoding.unreserved(name))", size: 0,
            more: [
                "parentReference": [
                    "driveId": .string(drive), "id": .string(parent), "path": .string("/drives/\(drive)/root:"),
                ],
                "folder": ["childCount": 0],
            ])
    }

    static func item(
        id: String, name: String, created: Int64, shared: JSONValue? = nil, url: String, size: Int64, more: JSONObject
    ) -> JSONObject {
        var item: JSONObject = [
            "id": .string(id), "createdDateTime": .string(ServiceTime.text(created)),
            "lastModifiedDateTime": .string(ServiceTime.text(created)), "name": .string(name), "webUrl": .string(url),
            "size": .int(size), "cTag": .string("\"c:{\(id)},1\""), "eTag": .string("\"{\(id)},1\""),
        ]
        for (key, value) in more { item[key] = value }
        if let shared { item["shared"] = shared }
        item["fileSystemInfo"] = [
            "createdDateTime": .string(ServiceTime.text(created)),
            "lastModifiedDateTime": .string(ServiceTime.text(created)),
        ]
        return item
    }
}

/// The sharing of files.
extension FileContent {
    /// The ways in which an item is shared.
    private enum Sharing {
        case none, anonymous, guest, organization
    }

    /// Returns how an item is shared: a few files in ten are, folders and the root are not.
    private func sharing(of place: Int, _ local: Mixing) -> Sharing {
        guard place > Self.folderCount else { return .none }
        switch local.number(place, 31, below: 20) {
        case 0: return .anonymous
        case 1: return .guest
        case 2, 3: return .organization
        default: return .none
        }
    }

    /// Returns the `shared` facet of an item; `nil` for one that isn't shared.
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

    /// Returns the initial permissions on a drive's item: its owner, and a link or a guest.
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

    /// Returns a sharing link.
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

    /// Returns the permission of one person.
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

    /// Returns the index of the first guest from an index on.
    private func guestIndex(near start: Int) -> Int {
        (0..<users.count).lazy.map { (start + $0) % users.count }.first { users.row($0).isGuest } ?? 4
    }
}
