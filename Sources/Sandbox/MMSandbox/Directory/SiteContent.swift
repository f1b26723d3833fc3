internal import MMCore

/// The sites of the tenant, their lists and items.
struct SiteContent: Sendable {
    static let names: [(path: String, shown: String)] = [
        ("", "Contoso Sandbox"), ("hr", "Human Resources"), ("finance", "Finance"),
        ("project-harbour", "Project Harbour"),
        ("project-lantern", "Project Lantern"), ("it-helpdesk", "IT Helpdesk"), ("marketing", "Marketing"),
        ("legal", "Legal"), ("research", "Research"), ("sales", "Sales"), ("facilities", "Facilities"),
        ("board", "Board"),
    ]
    static var count: Int { names.count }
    private let now: Int64
    private let mixing: Mixing
    private let ids: ObjectIDs
    private let webs: ObjectIDs
    private let listIDs: ObjectIDs

    init(now: Int64, mixing: Mixing) {
        self.now = now
        self.mixing = mixing.branch(8)
        ids = ObjectIDs(mixing.branch(9))
        webs = ObjectIDs(mixing.branch(10))
        listIDs = ObjectIDs(mixing.branch(11))
    }

    func id(_ index: Int) -> String { "\(FileContent.host),\(ids.guid(index)),\(webs.guid(index))" }

    /// Returns the index of a site by `root`, by id, by the GUID of the site collection, or by `host:/sites/name`.
    func index(of key: String) -> Int? {
        let small = key.lowercased()
        if small == "root" || small == FileContent.host { return 0 }
        if small.hasPrefix("\(FileContent.host):/") {
            let path = small.dropFirst(FileContent.host.count + 2)
            if path.isEmpty { return 0 }
            guard path.hasPrefix("sites/") else { return nil }
            return Self.names.firstIndex { $0.path == path.dropFirst(6) && !$0.path.isEmpty }
        }
        let parts = small.split(separator: ",")
        let collection = parts.count == 3 ? parts[1] : parts.first ?? ""
        guard parts.count == 1 || parts.count == 3, let index = ids.index(ofGuid: String(collection)),
            index < Self.count
        else {
            return nil
        }
        return parts.count == 1 || small == id(index).lowercased() ? index : nil
    }

    /// Returns the web address of a site; the root site has no path.
    private static func address(_ index: Int) -> String {
        "https://\(FileContent.host)" + (index == 0 ? "" : "/sites/\(names[index].path)")
    }

    func row(_ index: Int) -> JSONObject {
        let name = Self.names[index]
        var site: JSONObject = [
            "id": .string(id(index)), "createdDateTime": "2024-05-01T08:00:00Z",
            "lastModifiedDateTime": .string(ServiceTime.text(now - Int64(index) * 90_000 - 50_400)),
            "name": .string(name.path),
            "webUrl": .string(Self.address(index)),
            "displayName": .string(name.shown), "siteCollection": ["hostname": .string(FileContent.host)],
        ]
        if index == 0 { site["root"] = [:] }
        return site
    }

    private static let lists = [
        ("Documents", "documentLibrary"), ("Tasks", "genericList"), ("Issues", "genericList"),
        ("Site Pages", "webPageLibrary"),
    ]

    func lists(_ site: Int) -> [JSONObject] {
        Self.lists.enumerated().map { place, list in
            [
                "id": .string(listIDs.guid(site * 16 + place)), "createdDateTime": "2024-05-01T08:00:00Z",
                "lastModifiedDateTime": .string(ServiceTime.text(now - 136_800)), "name": .string(list.0),
                "webUrl": .string("\(Self.address(site))/Lists/\(list.0)"),
                "displayName": .string(list.0), "description": "",
                "eTag": .string("\"\(listIDs.guid(site * 16 + place)),1\""),
                "list": ["template": .string(list.1), "hidden": false, "contentTypesEnabled": true],
            ]
        }
    }

    private static let states = ["Not started", "In progress", "Waiting", "Done"]
    private static let deeds = [
        "Order new badges", "Review the contract", "Move the archive", "Renew certificates", "Prepare the audit",
        "Clean up guests", "Update the handbook", "Check backups",
    ]

    func items(site: Int, list: Int) -> [JSONObject] {
        (1...25).map { number in
            let place = site * 1000 + list * 100 + number
            let title = "\(Self.deeds[mixing.number(place, 1, below: Self.deeds.count)]) \(number)"
            return [
                "id": .string("\(number)"), "createdDateTime": .string(ServiceTime.text(now - 86_400 * 300)),
                "lastModifiedDateTime": .string(ServiceTime.text(now - 86_400 * Int64(number))),
                "webUrl": .string("\(Self.address(site))/Lists/\(number)_.000"),
                "eTag": .string("\"\(listIDs.guid(place)),1\""), "contentType": ["id": "0x0100", "name": "Item"],
                "createdBy": [
                    "user": ["displayName": "Avery Admin", "email": .string("admin@\(TenantIdentity.domain)")]
                ],
                "fields": [
                    "id": .string("\(number)"), "Title": .string(title),
                    "Status": .string(Self.states[mixing.number(place, 2, below: Self.states.count)]),
                    "Priority": .int(Int64(1 + mixing.number(place, 3, below: 3))),
                ],
            ]
        }
    }
}
