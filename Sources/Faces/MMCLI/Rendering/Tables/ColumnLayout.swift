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
    /// Columns that were asked for are all shown. Otherwise the columns that suit the kind of the rows come first, then
    /// those with plain values, as many as fit.
    /// - Parameters:
    ///   - rows: the rows known so far, with the columns that could be shown.
    ///   - isNamed: whether these columns were asked for.
    ///   - mayHide: whether named columns are left out from the end rather than made too narrow to read.
    ///   - dropsEmpty: whether to leave out columns that are empty in all rows, which is only known of complete
    ///     answers.
    ///   - width: the width of the screen in cells; `nil` for no limit.
    init(_ rows: Rows, isNamed: Bool, mayHide: Bool = false, dropsEmpty: Bool = false, width: Int?) {
        let filled = dropsEmpty && !rows.items.isEmpty ? rows.columns.filter { Self.isFilled($0, rows) } : rows.columns
        let named = filled.isEmpty ? rows.columns : filled
        let (candidates, wanted) = isNamed ? (named, named.count) : Self.ordered(rows, within: width)
        let cells = rows.items.map { item in candidates.map { Self.cell(item, $0) } }
        let natural = TableText.widths(of: [candidates] + cells)
        var handles = Set(candidates.indices.filter { Self.handles.contains(candidates[$0].lowercased()) })
        // What an operation lists begins with the name by which other commands call it.
        if isNamed, mayHide, !candidates.isEmpty { handles.insert(0) }
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

    /// Returns the line of one row.
    func line(_ item: JSONValue) -> String { table.line(columns.map { Self.cell(item, $0) }) }

    private static func cell(_ item: JSONValue, _ column: String) -> String {
        ReadableCell.text(item.object.map { $0.value(of: column) } ?? item, in: column)
    }

    private static func isFilled(_ column: String, _ rows: Rows) -> Bool {
        rows.items.contains { !cell($0, column).isEmpty }
    }

    /// Returns whether a shown column is this member of the rows or a part of it.
    private static func holds(_ shown: String, _ column: String) -> Bool {
        shown == column || shown.hasPrefix(column + ".")
    }

    /// Returns the columns in the order of their use to a person, without those that don't fit into a cell, and the
    /// number of columns that are important enough to be shown even if narrow.
    private static func ordered(_ rows: Rows, within width: Int?) -> (columns: [String], wanted: Int) {
        let plain = rows.columns.filter { column in
            rows.items.allSatisfy { $0.object?[column]?.isSimple ?? true }
        }
        // A few columns are kept in their order, since they were asked for. What a service sends by default begins with
        // an id.
        guard rows.columns.count > few || (plain.first == "id" && !fits(plain, of: rows, within: width)) else {
            return plain.isEmpty ? (rows.columns, 1) : (plain, plain.count)
        }
        let isEmpty = { (column: String) in rows.items.allSatisfy { $0.object?.value(of: column)?.isNull ?? true } }
        let names = ["displayname", "name", "title", "subject", "identity"]
        // Rows of several tenants begin with their connection.
        let whose = rows.columns.starts(with: ["connection", "tenant"]) ? ["connection"] : []
        let known =
            KnownTable.of(rows.items)?.columns.filter { !isEmpty($0) }
            ?? plain.filter { names.contains($0.lowercased()) }
        let first = whose + known
        let rest = plain.filter { !first.contains($0) && !isEmpty($0) }
        // For a person, an id is the least useful column.
        let all = first + rest.filter { $0 != "id" } + rest.filter { $0 == "id" }
        return all.isEmpty ? (rows.columns, 1) : (all, max(first.count, 1))
    }

    /// Returns whether a column holds dates and times, which must not be cut.
    private static func isTime(_ column: String, _ rows: Rows) -> Bool {
        let values = rows.items.compactMap { $0.object?.value(of: column) }.filter { !$0.isNull }
        return !values.isEmpty && values.allSatisfy { ReadableCell.isTime($0) }
    }

    private static func fits(_ columns: [String], of rows: Rows, within width: Int?) -> Bool {
        guard let width else { return true }
        let widths = TableText.widths(of: [columns] + rows.items.map { item in columns.map { cell(item, $0) } })
        return widths.reduce(0, +) + TableText.gap * (widths.count - 1) <= width
    }

    /// Columns with values that people copy, which are useless if cut.
    private static let handles: Set<String> = ["id", "job", "handle", "token", "code"]
    private static let few = 6
    /// The minimum width of a column: that of a date and time.
    private static let narrowest = 16
    /// The minimum width of a column that the operation itself names.
    private static let readable = 12

    /// Returns the widths of as many columns from the left as fit.
    /// - Parameters:
    ///   - natural: the widths that the columns need.
    ///   - wanted: the columns that become narrower before they are left out; those after them are shown whole or not
    ///     at all.
    ///   - width: the width of the screen in cells.
    ///   - keepsAll: whether every column is shown, however narrow.
    ///   - least: the width below which columns are left out rather than narrowed.
    ///   - whole: sets of columns not to narrow; the first set that takes at most two thirds of the line is used.
    private static func fitted(
        _ natural: [Int], wanted: Int, width: Int, keepsAll: Bool, least: Int, whole: [Set<Int>]
    ) -> [Int] {
        var widths = natural
        func room() -> Int { width - TableText.gap * (widths.count - 1) }
        while widths.count > wanted, widths.reduce(0, +) > room() { widths.removeLast() }
        func kept() -> Set<Int> {
            whole.first { columns in
                columns.reduce(0) { $0 + (widths.indices.contains($1) ? widths[$1] : 0) } <= width * 2 / 3
            } ?? []
        }
        func needed() -> Int {
            let kept = kept()
            return widths.indices.reduce(0) { $0 + (kept.contains($1) ? widths[$1] : min(widths[$1], least)) }
        }
        while !keepsAll, widths.count > 1, needed() > room() { widths.removeLast() }
        return TableText.narrowed(widths, to: width, keeping: kept())
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

/// The columns to show first of objects of a known kind.
struct KnownTable: Sendable {
    /// Members that only objects of this kind have in combination.
    let members: [String]
    /// The columns in order; those that no row has are left out.
    let columns: [String]

    /// Returns the kind of these rows, recognized by the members of the first one.
    static func of(_ items: [JSONValue]) -> KnownTable? {
        guard let first = items.first?.object else { return nil }
        return all.first { table in table.members.allSatisfy { first[$0] != nil } }
    }

    /// The known kinds. A kind whose members also occur in another kind comes after that kind.
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
        // Objects created by Group-Object
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

/// The text of a value in a table for people: local time, "yes" and "no", sizes with a unit.
enum ReadableCell {
    /// Returns the text of a value.
    /// - Parameters:
    ///   - column: the column, whose name shows whether numbers are bytes.
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

    /// Returns the name of an object, if one of its members holds one.
    private static func name(of value: JSONValue) -> String? {
        guard let object = value.object else { return nil }
        for member in ["displayName", "userPrincipalName", "address", "name", "skuPartNumber"] {
            if let name = object[member]?.string, !name.isEmpty { return name }
        }
        return nil
    }

    /// Returns whether a value is shown as a date and time.
    static func isTime(_ value: JSONValue) -> Bool { value.string.flatMap(localTime) != nil }

    /// Returns a service's date and time in local time to the minute; `nil` for any other text.
    private static func localTime(_ text: String) -> String? {
        let bytes = text.utf8
        // This check is cheap and rules out nearly all other texts.
        guard (16...40).contains(bytes.count), bytes.dropFirst(4).first == UInt8(ascii: "-"),
            bytes.dropFirst(10).first == UInt8(ascii: "T"), let moment = Timestamp(iso8601: text)
        else { return nil }
        return String(moment.localLog.dropLast(3))
    }

    /// Returns whether numbers of a column are bytes: `size`, `memory`, `quota.used`, `sizeInBytes`,
    /// `storageUsedInBytes`.
    private static func countsBytes(_ column: String) -> Bool {
        let name = column.lowercased()
        return ["size", "memory"].contains(name) || name.hasSuffix(".size") || name.hasSuffix("bytes")
            || name.hasPrefix("quota.")
    }
}
