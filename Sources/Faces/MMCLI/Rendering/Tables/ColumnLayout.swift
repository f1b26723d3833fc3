import MMCore
import MMOperations

/// The columns of a table and their widths, so that a line fits the screen.
struct ColumnLayout: Sendable {
    /// The columns that are shown, in order.
    let columns: [String]
    /// The columns of the rows that aren't shown.
    let hidden: [String]
    private let table: TableText

    /// Chooses the columns for these rows.
    ///
    /// Columns that somebody named are all shown. Otherwise the columns that suit the kind of the rows come first, then
    /// those that hold plain values, as many as fit.
    /// - Parameters:
    ///   - rows: the rows known so far, with the columns that could be shown.
    ///   - isNamed: whether somebody named these columns.
    ///   - mayHide: whether named columns are left out from the end rather than made too narrow to read.
    ///   - dropsEmpty: whether columns without a value in any row are left out, which is only known of whole answers.
    ///   - width: the cells in a line of the screen; `nil` for no limit.
    init(_ rows: Rows, isNamed: Bool, mayHide: Bool = false, dropsEmpty: Bool = false, width: Int?) {
        let filled = dropsEmpty && !rows.items.isEmpty ? rows.columns.filter { Self.isFilled($0, rows) } : rows.columns
        let named = filled.isEmpty ? rows.columns : filled
        let (candidates, wanted) = isNamed ? (named, named.count) : Self.ordered(rows, within: width)
        let cells = rows.items.map { item in candidates.map { Self.cell(item, $0) } }
        let natural = TableText.widths(of: [candidates] + cells)
        let handles = Set(candidates.indices.filter { Self.handles.contains(candidates[$0].lowercased()) })
        let times = candidates.indices.filter { Self.isTime(candidates[$0], rows) }
        let widths =
            width.map {
                Self.fitted(
                    natural, wanted: wanted, width: $0, keepsAll: isNamed && !mayHide,
                    least: isNamed ? Self.readable : Self.narrowest, whole: [handles.union(times), handles])
            } ?? natural
        let shown = Array(candidates.prefix(widths.count))
        columns = shown
        hidden = (isNamed ? named : rows.columns).filter { column in !shown.contains { Self.holds($0, column) } }
        let numeric = shown.indices.filter { index in
            let values = rows.items.compactMap { $0.object?.value(of: shown[index]) }.filter { !$0.isNull }
            return !values.isEmpty && values.allSatisfy(\.isNumber)
        }
        table = TableText(widths: widths, rightAligned: Set(numeric), cutsCells: width != nil)
    }

    /// The line above the rows.
    var header: String { table.line(columns.map { $0.uppercased() }) }

    /// One row.
    func line(_ item: JSONValue) -> String { table.line(columns.map { Self.cell(item, $0) }) }

    private static func cell(_ item: JSONValue, _ column: String) -> String {
        ReadableCell.text(item.object.map { $0.value(of: column) } ?? item, in: column)
    }

    private static func isFilled(_ column: String, _ rows: Rows) -> Bool {
        rows.items.contains { !cell($0, column).isEmpty }
    }

    /// Whether a shown column is this member of the rows or a part of it.
    private static func holds(_ shown: String, _ column: String) -> Bool {
        shown == column || shown.hasPrefix(column + ".")
    }

    /// The columns in the order in which a person wants them, without those that don't fit into a cell, and how many of
    /// them are worth narrow columns.
    private static func ordered(_ rows: Rows, within width: Int?) -> (columns: [String], wanted: Int) {
        let plain = rows.columns.filter { column in
            rows.items.allSatisfy { $0.object?[column]?.isSimple ?? true }
        }
        // Whoever asked for a few columns gets them in their order; what a service sends by itself begins with an id.
        guard rows.columns.count > few || (plain.first == "id" && !fits(plain, of: rows, within: width)) else {
            return plain.isEmpty ? (rows.columns, 1) : (plain, plain.count)
        }
        let isEmpty = { (column: String) in rows.items.allSatisfy { $0.object?.value(of: column)?.isNull ?? true } }
        let names = ["displayname", "name", "title", "subject", "identity"]
        // Rows of several tenants say first whose they are.
        let whose = rows.columns.starts(with: ["connection", "tenant"]) ? ["connection"] : []
        let known =
            KnownTable.of(rows.items)?.columns.filter { !isEmpty($0) }
            ?? plain.filter { names.contains($0.lowercased()) }
        let first = whose + known
        let rest = plain.filter { !first.contains($0) && !isEmpty($0) }
        // An id says least to a person, and most to a program.
        let all = first + rest.filter { $0 != "id" } + rest.filter { $0 == "id" }
        return all.isEmpty ? (rows.columns, 1) : (all, max(first.count, 1))
    }

    /// Whether a column holds dates and times, whose end tells most.
    private static func isTime(_ column: String, _ rows: Rows) -> Bool {
        let values = rows.items.compactMap { $0.object?.value(of: column) }.filter { !$0.isNull }
        return !values.isEmpty && values.allSatisfy { ReadableCell.isTime($0) }
    }

    private static func fits(_ columns: [String], of rows: Rows, within width: Int?) -> Bool {
        guard let width else { return true }
        let widths = TableText.widths(of: [columns] + rows.items.map { item in columns.map { cell(item, $0) } })
        return widths.reduce(0, +) + TableText.gap * (widths.count - 1) <= width
    }

    /// What is typed again, and is worth nothing where a part is missing.
    private static let handles: Set<String> = ["job", "handle", "token"]
    private static let few = 6
    /// A column isn't made narrower than a date and time, whose end tells most.
    private static let narrowest = 16
    /// A column that the operation itself names says something from here on.
    private static let readable = 8

    /// The widths of as many columns from the left as fit.
    /// - Parameters:
    ///   - natural: the widths that the columns need.
    ///   - wanted: the columns that become narrower before they are left out; those after them are shown whole or not at
    ///     all.
    ///   - width: the cells in a line of the screen.
    ///   - keepsAll: whether every column is shown, however narrow.
    ///   - least: the width below which columns are left out instead.
    ///   - whole: columns that are not made narrower: the first of these sets that does not take most of the line.
    private static func fitted(
        _ natural: [Int], wanted: Int, width: Int, keepsAll: Bool, least: Int, whole: [Set<Int>] = []
    ) -> [Int] {
        var widths = natural
        func room() -> Int { width - TableText.gap * (widths.count - 1) }
        while widths.count > wanted, widths.reduce(0, +) > room() { widths.removeLast() }
        while !keepsAll, widths.count > 1, widths.reduce(0, { $0 + min($1, least) }) > room() {
            widths.removeLast()
        }
        let kept = whole.first { columns in
            columns.reduce(0) { $0 + (widths.indices.contains($1) ? widths[$1] : 0) } <= width * 2 / 3
        }
        return TableText.narrowed(widths, to: width, keeping: kept ?? [])
    }
}

extension JSONValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .int, .double, .number: true
        case .null, .bool, .string, .array, .object: false
        }
    }
}

/// The columns that a person wants to see first of objects of a known kind.
struct KnownTable: Sendable {
    /// Members that only objects of this kind have together.
    let members: [String]
    /// The columns in order; those that no row has are left out.
    let columns: [String]

    /// The kind of these rows, told by the members of the first one.
    static func of(_ items: [JSONValue]) -> KnownTable? {
        guard let first = items.first?.object else { return nil }
        return all.first { table in table.members.allSatisfy { first[$0] != nil } }
    }

    /// Kinds whose members are also those of others come after them.
    private static let all: [KnownTable] = [
        // Microsoft Graph
        .init(
            ["appDisplayName", "userPrincipalName", "createdDateTime"],
            "createdDateTime userPrincipalName appDisplayName status.errorCode ipAddress conditionalAccessStatus "
                + "clientAppUsed"),
        .init(
            ["activityDisplayName", "activityDateTime"],
            "activityDateTime activityDisplayName initiatedBy.user.userPrincipalName initiatedBy.app.displayName result"
        ),
        .init(
            ["deviceName", "complianceState"],
            "deviceName userPrincipalName operatingSystem complianceState lastSyncDateTime"),
        .init(
            ["userPrincipalName"],
            "displayName userPrincipalName accountEnabled userType jobTitle department mail"),
        .init(
            ["skuPartNumber", "consumedUnits"],
            "skuPartNumber consumedUnits prepaidUnits.enabled capabilityStatus"),
        .init(["groupTypes"], "displayName mail groupTypes securityEnabled visibility description"),
        .init(
            ["subject", "receivedDateTime"], "receivedDateTime from.emailAddress.address subject isRead hasAttachments"),
        .init(
            ["subject", "start", "end"],
            "start.dateTime end.dateTime subject organizer.emailAddress.address location.displayName"),
        .init(
            ["name", "parentReference", "lastModifiedDateTime"],
            "name size lastModifiedDateTime lastModifiedBy.user.displayName webUrl"),
        .init(["webUrl", "siteCollection"], "displayName webUrl createdDateTime lastModifiedDateTime"),
        .init(
            ["deviceId", "operatingSystem"],
            "displayName operatingSystem operatingSystemVersion trustType isCompliant approximateLastSignInDateTime"),
        .init(["appId", "servicePrincipalType"], "displayName appId servicePrincipalType accountEnabled"),
        .init(["appId", "signInAudience"], "displayName appId signInAudience createdDateTime"),
        .init(["grantControls", "state"], "displayName state createdDateTime modifiedDateTime"),
        .init(["roleTemplateId"], "displayName description"),
        .init(["membershipType"], "displayName membershipType description"),
        .init(["isVerified", "authenticationType"], "id isDefault isVerified authenticationType"),
        // Exchange
        .init(
            ["PrimarySmtpAddress", "RecipientTypeDetails"],
            "DisplayName PrimarySmtpAddress RecipientTypeDetails ForwardingSmtpAddress WhenCreated"),
        // What Group-Object makes
        .init(["Values", "Count", "Group", "Name"], "Count Name"),
        // Power Automate, Power Platform and Azure
        .init(
            ["properties", "name", "location"], "name properties.displayName properties.state location type"),
        .init(["properties", "name"], "properties.displayName properties.state properties.createdTime name"),
    ]

    private init(_ members: [String], _ columns: String) {
        self.members = members
        self.columns = columns.split(separator: " ").map(String.init)
    }
}

/// The text of a value in a table, as people read it: local time, "yes" and "no", sizes with a unit.
enum ReadableCell {
    /// The text of a value.
    /// - Parameters:
    ///   - value: the value; `nil` where a row lacks it.
    ///   - column: its column, whose name tells a size in bytes.
    static func text(_ value: JSONValue?, in column: String) -> String {
        switch value {
        case nil, .null?: return ""
        case .bool(let isTrue)?: return isTrue ? "yes" : "no"
        case .string(let text)?: return localTime(text) ?? text
        case .array(let items)?:
            return items.map { item in name(of: item) ?? text(item, in: column) }.joined(separator: ", ")
        case .object?: return value.flatMap(name) ?? value?.cellText ?? ""
        case let number?:
            guard countsBytes(column), let bytes = number.int, bytes >= 0 else { return number.cellText }
            return SizeText.text(bytes)
        }
    }

    /// What a person calls an object, where one of its members says it.
    private static func name(of value: JSONValue) -> String? {
        guard let object = value.object else { return nil }
        for member in ["displayName", "userPrincipalName", "address", "name", "skuPartNumber"] {
            if let name = object[member]?.string, !name.isEmpty { return name }
        }
        return nil
    }

    /// Whether a value is shown as a date and time.
    static func isTime(_ value: JSONValue) -> Bool { value.string.flatMap(localTime) != nil }

    /// A date and time of a service, in local time to the minute.
    private static func localTime(_ text: String) -> String? {
        let bytes = text.utf8
        // Nearly every text is none: no look at its digits.
        guard (16...40).contains(bytes.count), bytes.dropFirst(4).first == UInt8(ascii: "-"),
            bytes.dropFirst(10).first == UInt8(ascii: "T"), let moment = Timestamp(iso8601: text)
        else { return nil }
        return String(moment.localLog.dropLast(3))
    }

    /// Whether numbers of a column are bytes: `size`, `memory`, `quota.used`, `sizeInBytes`, `storageUsedInBytes`.
    private static func countsBytes(_ column: String) -> Bool {
        let name = column.lowercased()
        return ["size", "memory"].contains(name) || name.hasSuffix(".size") || name.hasSuffix("bytes")
            || name.hasPrefix("quota.")
    }
}
