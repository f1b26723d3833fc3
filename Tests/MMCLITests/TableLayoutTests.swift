import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("Tables", .timeLimit(.minutes(5)))
struct TableLayoutTests {
    /// An account as Microsoft Graph returns it without `$select`.
    private static func user(_ name: String) -> JSONValue {
        [
            "businessPhones": ["+1 425 555 0100"], "displayName": .string(name), "givenName": "Ada",
            "jobTitle": "Engineer", "mail": .string("\(name.lowercased())@contoso.example"), "mobilePhone": nil,
            "officeLocation": "18/2111", "preferredLanguage": "en-GB", "surname": "Lovelace",
            "userPrincipalName": .string("\(name.lowercased())@contoso.example"),
            "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
        ]
    }

    private static let users = Rows(items: [user("Ada"), user("Grace")])

    private func lines(_ layout: ColumnLayout, _ rows: Rows) -> [String] {
        [layout.header] + rows.items.map { layout.line($0) }
    }

    @Test("columns that don't fit are left out from the end and counted, before any becomes too narrow to read")
    func hides() {
        let row: JSONValue = [
            "name": "C", "description": "Sandbox tenant", "tenant": "contoso-sandbox.example",
            "account": "admin@contoso-sandbox.example", "cloud": "sandbox", "guard": "standard",
        ]
        let columns = ["name", "description", "tenant", "account", "cloud", "guard"]
        let rows = Rows(items: [row], columns: columns)
        let wide = ColumnLayout(rows, isNamed: true, mayHide: true, width: 80)
        #expect(wide.columns == columns && wide.hidden.isEmpty)
        let narrow = ColumnLayout(rows, isNamed: true, mayHide: true, width: 40)
        #expect(narrow.columns == ["name", "description", "tenant"])
        #expect(narrow.hidden == ["account", "cloud", "guard"])
        #expect(narrow.line(row).count <= 40)
        // Columns that were named explicitly are all shown.
        #expect(ColumnLayout(rows, isNamed: true, width: 40).columns == columns)
    }

    @Test(
        "what an operation lists begins with a name that is shown completely, because other commands take it",
        arguments: [60, 80, 100])
    func names(width: Int) {
        let row: JSONValue = [
            "change": "chg_059726d6ee", "time": "2026-11-24T16:30:53Z", "connection": "ContosoSandbox",
            "what": "changes jobTitle of user ben.baker@contoso.example (7883ed8b-ff5c-41cc-8b2e-a93815224a10)",
            "state": "can be undone", "client": "terminal (mm)",
        ]
        let rows = Rows(items: [row], columns: ["change", "time", "connection", "what", "state", "client"])
        let line = ColumnLayout(rows, isNamed: true, mayHide: true, width: width).line(row)
        #expect(line.hasPrefix("chg_059726d6ee  ") && line.contains("changes job") && TableText.width(line) <= width)
    }

    @Test("a time is shown completely, other columns shrink")
    func time() {
        let row: JSONValue = [
            "time": "2026-11-24T16:30:53Z", "client": "mm", "what": "Get-Mailbox -ResultSize 1 and much more of it",
            "why": "it was asked for by somebody who waits",
        ]
        let columns = ["time", "client", "what", "why"]
        let layout = ColumnLayout(
            Rows(items: [row], columns: columns), isNamed: true, mayHide: true, width: 50)
        #expect(layout.line(row).contains(":30") && layout.line(row).count <= 50)
    }

    @Test("fit the screen, with the columns that people want first", arguments: [20, 50, 80, 120, 250])
    func width(width: Int) {
        let layout = ColumnLayout(Self.users, isNamed: false, width: width)
        for line in lines(layout, Self.users) { #expect(TableText.width(line) <= width, "\(line)") }
        #expect(layout.columns.first == "displayName")
        if width >= 50 { #expect(layout.columns.prefix(2) == ["displayName", "userPrincipalName"]) }
        #expect(layout.columns.last == "id" || layout.hidden.contains("id"))
    }

    @Test("if few columns don't fit and begin with an id, the columns that people want come first")
    func few() {
        let row: JSONValue = [
            "id": "5e1a5bff-239c-4a0e-91f1-1b12c6bd1a10", "deletedDateTime": nil,
            "description": "Can manage all aspects of the directory and of what it signs in to.",
            "displayName": "Global Administrator", "roleTemplateId": "62e90394-69f5-4237-9190-012177145e10",
        ]
        let rows = Rows(items: [row])
        #expect(ColumnLayout(rows, isNamed: false, width: 60).columns == ["displayName", "description"])
        #expect(ColumnLayout(rows, isNamed: false, width: nil).columns.first == "id")
    }

    @Test("name every column that they omit")
    func hidden() {
        let layout = ColumnLayout(Self.users, isNamed: false, width: 60)
        #expect(Set(layout.columns + layout.hidden) == Set(Self.users.columns))
        #expect(layout.hidden.contains("businessPhones") && layout.hidden.contains("mobilePhone"))
    }

    @Test("show all columns that were named, however narrow")
    func named() {
        let columns = ["id", "mail", "displayName", "jobTitle", "officeLocation"]
        let rows = Rows(items: Self.users.items, columns: columns)
        let layout = ColumnLayout(rows, isNamed: true, width: 40)
        #expect(layout.columns == columns)
        for line in lines(layout, rows) { #expect(TableText.width(line) <= 40, "\(line)") }
    }

    @Test("omit declared columns without a value, and don't count them")
    func empty() {
        let rows = Rows(
            items: [["session": "a", "state": "ready", "code": nil], ["session": "b", "state": "busy"]],
            columns: ["session", "state", "code", "address"])
        let layout = ColumnLayout(rows, isNamed: true, dropsEmpty: true, width: 80)
        #expect(layout.columns == ["session", "state"] && layout.hidden.isEmpty)
        let bare = Rows(items: [], columns: ["session", "state"])
        #expect(ColumnLayout(bare, isNamed: true, dropsEmpty: true, width: 80).columns == ["session", "state"])
        #expect(ColumnLayout(rows, isNamed: true, width: 80).columns.count == 4)
    }

    @Test("show handles completely, because people type them", arguments: [60, 80])
    func handles(width: Int) {
        let handle = "cmd-_tnHL_YISsCsHypusi5NUpo0"
        let row: JSONValue = [
            "job": .string(handle), "operation": "graph_request", "state": "running", "started": "2026-11-21T23:11:53Z",
            "progress": "reading the mailboxes of everybody", "owner": "terminal",
        ]
        let columns = ["job", "operation", "state", "started", "progress", "owner"]
        let layout = ColumnLayout(Rows(items: [row], columns: columns), isNamed: true, width: width)
        #expect(layout.line(row).hasPrefix(handle))
        #expect(TableText.width(layout.line(row)) <= width)
    }

    @Test("cut no cell if there is no screen")
    func pipes() {
        let long = String(repeating: "x", count: 300)
        let rows = Rows(items: [["a": "1", "b": .string(long)], ["a": "2", "b": "y"]])
        let layout = ColumnLayout(rows, isNamed: false, width: nil)
        #expect(lines(layout, rows)[1] == "1  " + long)
    }

    @Test("keep the order of a few requested columns")
    func selected() {
        let rows = Rows(items: [["city": "Paris", "displayName": "Ada", "id": "1"]])
        #expect(ColumnLayout(rows, isNamed: false, width: 80).columns == ["city", "displayName", "id"])
    }

    @Test("show the important parts of known objects")
    func parts() {
        let sku: JSONValue = [
            "accountName": "contoso", "appliesTo": "User", "capabilityStatus": "Enabled", "consumedUnits": 14,
            "id": "x", "prepaidUnits": ["enabled": 25, "suspended": 0], "skuPartNumber": "ENTERPRISEPACK",
        ]
        let rows = Rows(items: [sku])
        let layout = ColumnLayout(rows, isNamed: false, width: 100)
        #expect(layout.columns.prefix(3) == ["skuPartNumber", "consumedUnits", "prepaidUnits.enabled"])
        #expect(!layout.hidden.contains("prepaidUnits"))
        #expect(layout.line(sku).contains("25"))
    }

    @Test("align numbers right, and count wide characters by their cells")
    func alignment() {
        let rows = Rows(items: [["name": "王芳", "count": 5], ["name": "Ada", "count": 1200]])
        let layout = ColumnLayout(rows, isNamed: false, width: 80)
        #expect(lines(layout, rows) == ["NAME  COUNT", "王芳      5", "Ada    1200"])
    }

    @Test(
        "write values as people read them",
        arguments: [
            (true, "accountEnabled", "yes"), (false, "accountEnabled", "no"), (nil, "mail", ""),
            (0, "size", "0 B"), (1023, "size", "1023 B"), (1024, "size", "1.0 KB"), (1_468_006, "file.size", "1.4 MB"),
            (262_144_000, "sizeInBytes", "250 MB"), (308_502_528, "memory", "294 MB"), (1_048_064, "size", "1.0 MB"),
            (1024, "count", "1024"),
            ("2026-03-01", "date", "2026-03-01"), ("2026-03-0xT", "date", "2026-03-0xT"),
            (["a", "b"], "proxyAddresses", "a, b"),
            ([["displayName": "Ada"], ["displayName": "Grace"]], "members", "Ada, Grace"),
            (["x": 1], "other", #"{"x":1}"#),
        ] as [(JSONValue, String, String)])
    func values(value: JSONValue, column: String, text: String) {
        #expect(ReadableCell.text(value, in: column) == text)
    }

    @Test("write dates in local time, to the minute")
    func dates() throws {
        let text = "2026-03-01T12:34:56.789Z"
        let moment = try #require(Timestamp(iso8601: text))
        let shown = ReadableCell.text(.string(text), in: "createdDateTime")
        #expect(shown == String(moment.localLog.prefix(16)))
        #expect(shown.count == 16)
    }
}
