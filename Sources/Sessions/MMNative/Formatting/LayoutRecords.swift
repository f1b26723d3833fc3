/// The objects that PowerShell makes of a layout: a table is a start, a start and an end for each group, a record for
/// each row, and an end. What writes objects to a file writes these, not the rows.
extension FormattedBlock {
    private static let classID = "ClassId2e4f51ef21dd47e99d3c952918aff9cd"
    private static let package = "Microsoft.PowerShell.Commands.Internal.Format."

    /// The name of the command that made the layout.
    var command: String {
        switch arrangement {
        case .table: "Format-Table"
        case .list: "Format-List"
        case .wide: "Format-Wide"
        }
    }

    private var shapeInfo: String {
        switch arrangement {
        case .table: "TableHeaderInfo"
        case .list: "ListViewHeaderInfo"
        case .wide: "WideViewHeaderInfo"
        }
    }

    /// The records. The parts of a layout, which a file shows only by the names of their types, are these names.
    var records: [PSValue] {
        func record(_ kind: String, _ id: String, _ members: [(String, PSValue)]) -> PSValue {
            let pairs = [(Self.classID, PSValue.string(id))] + members
            return PSObject(pairs, typeName: Self.package + kind).map { .object($0) } ?? .null
        }
        func part(_ name: String?) -> PSValue { name.map { .string(Self.package + $0) } ?? .null }
        var records = [
            record(
                "FormatStartData", "033ecb2bc07a4d43b5ef94ed5a35d280",
                [
                    ("pageHeaderEntry", .null), ("pageFooterEntry", .null),
                    ("autosizeInfo", part(isSized ? "AutosizeInfo" : nil)), ("shapeInfo", part(shapeInfo)),
                    ("groupingEntry", .null),
                ])
        ]
        for group in groups {
            records.append(
                record(
                    "GroupStartData", "9e210fe47d09416682b841769c78b8a3",
                    [("shapeInfo", .null), ("groupingEntry", part(group.title == nil ? nil : "GroupingEntry"))]))
            records += group.rows.map { _ in
                record(
                    "FormatEntryData", "27c87ef9bbda4f709f6b4002fa4af63c",
                    [
                        ("formatEntryInfo", part(entryInfo)), ("outOfBand", .bool(false)),
                        ("writeStream", .string("None")), ("isHelpObject", .bool(false)),
                    ])
            }
            records.append(record("GroupEndData", "4ec4f0187cb04f4cb6973460dfe252df", [("groupingEntry", .null)]))
        }
        return records + [record("FormatEndData", "cf522b78d86c486691226b40aa69e95c", [("groupingEntry", .null)])]
    }

    private var entryInfo: String {
        switch arrangement {
        case .table: "TableRowEntry"
        case .list: "ListViewEntry"
        case .wide: "WideViewEntry"
        }
    }

    /// Returns whether a command works on the records of a layout, instead of showing it.
    static func isRead(by command: BoundCommand) -> Bool {
        switch command.specification.name {
        case "ConvertTo-Csv", "Export-Csv", "Export-Excel", "ConvertTo-Html": true
        case "Select-Object": command["Property"] != nil
        default: false
        }
    }

    /// Says that a command gets the layout, which its author hardly meant.
    func warn(for reader: String, _ host: NativeHost?) {
        host?.remark(
            "\(reader) got the layout that \(command) makes, not the rows: "
                + "use Select-Object instead of \(command) to get the columns.")
    }
}
