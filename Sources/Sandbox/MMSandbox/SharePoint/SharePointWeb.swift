internal import MMCore
internal import MMHTTP

/// What is below `/_api/web` of a site.
struct SharePointWeb {
    let context: TenantContext
    let store: DirectoryStore
    let site: Record
    let principal: SignedInPrincipal

    func answer(
        _ call: SharePointCall, _ steps: ArraySlice<SharePointCall.Step>
    ) throws(SharePointFailure) -> SharePointAnswer {
        guard let step = steps.first else { return try read(web, call, "SP.Web") }
        let rest = steps.dropFirst()
        switch (step.name, step.argument == nil && rest.isEmpty) {
        case ("lists", _): return try lists(call, step.argument, rest)
        case ("siteusers", true): return try rows(users, call, "SP.User")
        case ("currentuser", true): return try read(currentUser, call, "SP.User")
        case ("sitegroups", true): return try rows(groups, call, "SP.Group", expandable: ["Users"])
        case ("roleassignments", true):
            return try rows(
                assignments, call, "SP.RoleAssignment", expandable: ["Member", "RoleDefinitionBindings"])
        default: throw .notServed(call)
        }
    }

    // MARK: lists and items

    private func lists(
        _ call: SharePointCall, _ id: String?, _ rest: ArraySlice<SharePointCall.Step>
    ) throws(SharePointFailure) -> SharePointAnswer {
        var rest = rest
        var (key, isTitle) = (id, false)
        if key == nil, let step = rest.first, ["getbytitle", "getbyid"].contains(step.name) {
            (key, isTitle) = (step.argument ?? "", step.name == "getbytitle")
            rest = rest.dropFirst()
        }
        let all = store.table(.lists(site.id)).all
        guard let key else { return try rows(all.map(row(ofList:)), call, "SP.List") }
        let name = isTitle ? "displayName" : "id"
        guard let list = all.first(where: { CaselessText.equal($0[name]?.string ?? "", key) }) else {
            throw SharePointFailure(
                404, "-2130575322, System.ArgumentException",
                "List '\(key.prefix(80))' does not exist at site with URL '\(site["webUrl"]?.string ?? "")'.")
        }
        guard let step = rest.first else { return try read(row(ofList: list), call, "SP.List") }
        rest = rest.dropFirst()
        guard step.name == "items" else { throw .notServed(call) }
        var item = step.argument
        if item == nil, let next = rest.first, next.name == "getbyid" {
            item = next.argument
            rest = rest.dropFirst()
        }
        let items = TableAddress.listItems(site: site.id, list: list.id)
        if let item { return try self.item(call, items, list, item, rest.first?.name) }
        guard rest.isEmpty else { throw .notServed(call) }
        return try self.items(call, items, list)
    }

    private func row(ofList list: Record) -> JSONObject {
        let title = list["displayName"]?.string ?? ""
        return [
            "Id": .string(list.id), "Title": .string(title), "Description": list["description"] ?? "",
            "DefaultViewUrl": list["webUrl"] ?? .null, "Hidden": list["list"]?["hidden"] ?? false,
            "BaseTemplate": list["list"]?["template"] == "documentLibrary" ? 101 : 100,
            "ItemCount": .int(Int64(store.table(.listItems(site: site.id, list: list.id)).count)),
            "Created": list["createdDateTime"] ?? .null, "ListItemEntityTypeFullName": .string(Self.type(title)),
        ]
    }

    private static func type(_ title: String) -> String {
        "SP.Data.\(title.replacing(" ", with: "_x0020_"))ListItem"
    }

    /// The columns of a list: those that its items use.
    private func columns(_ address: TableAddress) -> [String] {
        var names = ["Title"]
        for item in store.table(address).all {
            names += (item["fields"]?.object?.keys ?? []).filter { $0 != "id" && !names.contains($0) }
        }
        return names
    }

    private func row(ofItem item: Record, _ columns: [String]) -> JSONObject {
        let id = item.id
        var row: JSONObject = ["Id": Int64(id).map(JSONValue.int) ?? .string(id)]
        for name in columns { row[name] = item["fields"]?[name] ?? .null }
        row["Created"] = item["createdDateTime"] ?? .null
        row["Modified"] = item["lastModifiedDateTime"] ?? .null
        return row
    }

    private func items(
        _ call: SharePointCall, _ address: TableAddress, _ list: Record
    ) throws(SharePointFailure) -> SharePointAnswer {
        let (columns, type) = (columns(address), Self.type(list["displayName"]?.string ?? ""))
        guard call.method == "POST" else {
            return try rows(store.table(address).all.map { self.row(ofItem: $0, columns) }, call, type, page: 100)
        }
        let id = store.nextListItemID
        let now = JSONValue.string(ServiceTime.text(context.now))
        var fields = try checkedFields(call, columns, type)
        fields["id"] = .string(id)
        let row: JSONObject = [
            "id": .string(id), "createdDateTime": now, "lastModifiedDateTime": now,
            "contentType": ["id": "0x0100", "name": "Item"], "fields": .object(fields),
        ]
        store.insert(row, into: address)
        return .object(self.row(ofItem: .object(row), columns), status: 201)
    }

    private func item(
        _ call: SharePointCall, _ address: TableAddress, _ list: Record, _ key: String, _ action: String?
    ) throws(SharePointFailure) -> SharePointAnswer {
        guard let item = store.table(address).find(key) else {
            throw SharePointFailure(
                404, "-2130575338, System.ArgumentException",
                "Item does not exist. It may have been deleted by another user.")
        }
        let (columns, type) = (columns(address), Self.type(list["displayName"]?.string ?? ""))
        switch (call.method, action) {
        case ("GET", nil): return try read(row(ofItem: item, columns), call, type)
        case ("MERGE", nil), ("PATCH", nil):
            var fields = item["fields"]?.object ?? [:]
            for (name, value) in try checkedFields(call, columns, type) { fields[name] = value }
            var row = item.members(of: .listItem)
            row["fields"] = .object(fields)
            row["lastModifiedDateTime"] = .string(ServiceTime.text(context.now))
            store.replace(item.id, with: row, in: address)
            return .nothing(status: 204)
        case ("DELETE", nil):
            store.remove(item.id, from: address)
            return .nothing(status: 200)
        default: throw .notServed(call)
        }
    }

    private func checkedFields(
        _ call: SharePointCall, _ columns: [String], _ type: String
    ) throws(SharePointFailure) -> JSONObject {
        let fields = try call.members()
        for name in fields.keys where !columns.contains(name) { throw Self.unknown(name, of: type) }
        return fields
    }

    private static func unknown(_ name: String, of type: String) -> SharePointFailure {
        .query(
            "The property '\(name.prefix(80))' does not exist on type '\(type)'. Make sure to only use property names "
                + "that are defined by the type.")
    }

    // MARK: the site and its people

    private var web: JSONObject {
        [
            "Id": .string(site.id), "Title": site["displayName"] ?? .null, "Url": site["webUrl"] ?? .null,
            "Created": site["createdDateTime"] ?? .null,
            "LastItemUserModifiedDate": site["lastModifiedDateTime"] ?? .null,
        ]
    }

    private func row(ofUser user: Record, _ place: Int) -> JSONObject {
        let name = user["userPrincipalName"]?.string ?? ""
        return [
            "Id": .int(Int64(place + 1)), "Title": user["displayName"] ?? .null,
            "LoginName": .string("i:0#.f|membership|\(name)"), "UserPrincipalName": .string(name),
            "Email": user["mail"] ?? .null, "PrincipalType": 1,
            "IsSiteAdmin": .bool(name == TenantIdentity.administrator),
        ]
    }

    /// The accounts that the site has met: a site lists no others.
    private var users: [JSONObject] {
        var users: [JSONObject] = []
        store.table(.users).scan { user in
            users.append(row(ofUser: user, users.count))
            return users.count < 25
        }
        return users
    }

    private var currentUser: JSONObject {
        guard !principal.isApp else {
            return [
                "Id": 1_073_741_822, "Title": "SharePoint App", "Email": "", "PrincipalType": 1, "IsSiteAdmin": false,
                "LoginName": "i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint",
            ]
        }
        var (place, found) = (0, JSONObject())
        store.table(.users).scan { user in
            guard user.id == principal.objectID else {
                place += 1
                return true
            }
            found = row(ofUser: user, place)
            return false
        }
        return found
    }

    private static let roles = [("Owners", "Full Control"), ("Members", "Edit"), ("Visitors", "Read")]

    private var groups: [JSONObject] {
        let users = users
        return Self.roles.enumerated().map { place, role in
            [
                "Id": .int(Int64(place + 3)), "Title": .string("\(site["displayName"]?.string ?? "") \(role.0)"),
                "PrincipalType": 8,
                // The administrator owns each site, the next accounts are its members, and nobody only visits it.
                "Users": .array(
                    (place == 0 ? users.prefix(1) : place == 1 ? users.dropFirst().prefix(8) : []).map {
                        .object($0)
                    }),
            ]
        }
    }

    private var assignments: [JSONObject] {
        zip(groups, Self.roles).map { group, role in
            let member = JSONObject(group.filter { name, _ in name != "Users" }.map { ($0.key, $0.value) })
            return [
                "PrincipalId": group["Id"] ?? .null, "Member": .object(member),
                "RoleDefinitionBindings": [["Name": .string(role.1)]],
            ]
        }
    }

    // MARK: options

    private func read(
        _ object: JSONObject, _ call: SharePointCall, _ type: String
    ) throws(SharePointFailure) -> SharePointAnswer {
        guard call.method == "GET" else { throw .notServed(call) }
        return .object(try selected(object, call.options, type, expandable: []))
    }

    private func rows(
        _ all: [JSONObject], _ call: SharePointCall, _ type: String, expandable: [String] = [], page: Int? = nil
    ) throws(SharePointFailure) -> SharePointAnswer {
        guard call.method == "GET" else { throw .notServed(call) }
        let options = call.options
        // Each row has all properties of its type, also those without a value.
        for path in options.orderBy.map(\.path) + (options.filter?.paths ?? []) {
            guard let name = path.first, let row = all.first, Self.member(name, of: row) == nil else { continue }
            throw Self.unknown(name, of: type)
        }
        var found = all
        if let filter = options.filter {
            found = found.filter { row in
                FilterEvaluator(property: { Self.member($0, of: row)?.value }).matches(filter)
            }
        }
        found = SortOrder.sorted(found, by: options.orderBy) { path, row in
            path.dropFirst().reduce(Self.member(path.first ?? "", of: row)?.value) { $0?[$1] } ?? .null
        }
        var start = options.skip ?? 0
        if let text = options.skipToken {
            guard let token = PageToken(text)?.matched else { throw .query("The value of '$skiptoken' is not valid.") }
            start = token
        }
        let size = options.top ?? page ?? found.count
        let rest = found.dropFirst(start)
        // Only items have pages; other collections end at `$top`.
        let hasMore = page != nil && rest.count > size && size > 0
        var shown: [JSONObject] = []
        for row in rest.prefix(size) { shown.append(try selected(row, options, type, expandable: expandable)) }
        return .rows(shown, next: hasMore ? link(call, start + size) : nil)
    }

    private func link(_ call: SharePointCall, _ start: Int) -> String {
        let others = (call.http.query ?? "").split(separator: "&").filter {
            !["$skiptoken=", "%24skiptoken=", "$skip=", "%24skip="].contains(where: $0.lowercased().hasPrefix)
        }
        let token = "%24skiptoken=\(PageToken(matched: start).text)"
        return "\(context.base)\(call.http.path)?" + (others + [token[...]]).joined(separator: "&")
    }

    private func selected(
        _ object: JSONObject, _ options: QueryOptions, _ type: String, expandable: [String]
    ) throws(SharePointFailure) -> JSONObject {
        var object = object
        for expansion in options.expand
        where !expandable.contains(where: { $0.lowercased() == expansion.name.lowercased() }) {
            throw .query("The sandbox doesn't expand '\(expansion.name.prefix(80))' here; the real service may.")
        }
        for name in expandable where !options.expand.contains(where: { $0.name.lowercased() == name.lowercased() }) {
            object[name] = nil
        }
        guard let names = options.select, !names.contains("*") else { return object }
        var selected: JSONObject = [:]
        for name in names {
            let step = String(name.prefix { $0 != "/" })
            guard let (own, value) = Self.member(step, of: object) else { throw Self.unknown(name, of: type) }
            selected[own] = value
        }
        return selected
    }

    /// Returns a member by a name in any case: `ID` is another spelling of `Id`.
    private static func member(_ name: String, of row: JSONObject) -> (key: String, value: JSONValue)? {
        row.first { $0.key.lowercased() == name.lowercased() }.map { ($0.key, $0.value) }
    }
}

/// The search over titles of sites and items.
struct SharePointSearch {
    let store: DirectoryStore

    func answer(_ options: QueryOptions) -> JSONObject {
        func given(_ name: String) -> String? {
            options.other.first { $0.name.lowercased() == name }?.value
        }
        let words = (given("querytext") ?? "").filter { $0 != "'" && $0 != "\"" && $0 != "*" }
            .split(separator: " ").map(String.init)
        let found = all.filter { title, _ in words.allSatisfy { CaselessText.contains(title, $0) } }
        let shown = found.prefix(max(0, given("rowlimit").flatMap { Int($0) } ?? 10))
        let rows = shown.map { title, address -> JSONValue in
            let cells = [("Title", title), ("Path", address)].map { key, value -> JSONValue in
                ["Key": .string(key), "Value": .string(value), "ValueType": "Edm.String"]
            }
            return ["Cells": .array(cells)]
        }
        return [
            "PrimaryQueryResult": [
                "RelevantResults": [
                    "RowCount": .int(Int64(shown.count)), "TotalRows": .int(Int64(found.count)),
                    "Table": ["Rows": .array(rows)],
                ]
            ]
        ]
    }

    private var all: [(title: String, address: String)] {
        store.table(.sites).all.flatMap { site in
            [(site["displayName"]?.string ?? "", site["webUrl"]?.string ?? "")]
                + store.table(.lists(site.id)).all.flatMap { list in
                    store.table(.listItems(site: site.id, list: list.id)).all.map { item in
                        (item["fields"]?["Title"]?.string ?? "", item["webUrl"]?.string ?? "")
                    }
                }
        }
    }
}
