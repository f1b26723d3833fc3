import MMNative
import Testing

/// What a command gets that writes the output of `Format-Table` and similar commands as if it were rows.
@Suite("Layouts written as rows", .timeLimit(.minutes(5)))
struct LayoutRecords: RunningReports {
    private static let head =
        "\"ClassId2e4f51ef21dd47e99d3c952918aff9cd\",\"pageHeaderEntry\",\"pageFooterEntry\","
        + "\"autosizeInfo\",\"shapeInfo\",\"groupingEntry\""
    private static let package = "Microsoft.PowerShell.Commands.Internal.Format."
    private static let rows = "[pscustomobject]@{ g = 1; n = 'a' }, [pscustomobject]@{ g = 2; n = 'b' }"

    private static func start(_ shape: String, _ sized: String = "") -> String {
        "\"033ecb2bc07a4d43b5ef94ed5a35d280\",,,\(sized),\"\(package)\(shape)\","
    }
    private static let group = "\"9e210fe47d09416682b841769c78b8a3\",,,,,"
    private static let row = "\"27c87ef9bbda4f709f6b4002fa4af63c\",,,,,"
    private static let groupEnd = "\"4ec4f0187cb04f4cb6973460dfe252df\",,,,,"
    private static let end = "\"cf522b78d86c486691226b40aa69e95c\",,,,,"

    @Test(
        "CSV holds a record for each part of the layout",
        arguments: [
            ("Format-Table", start("TableHeaderInfo")),
            ("ft -AutoSize", start("TableHeaderInfo", "\"\(package)AutosizeInfo\"")),
            ("Format-List n", start("ListViewHeaderInfo")), ("Format-Wide n", start("WideViewHeaderInfo")),
        ])
    func csv(format: String, first: String) async throws {
        let expected = [Self.head, first, Self.group, Self.row, Self.row, Self.groupEnd, Self.end]
        #expect(try await texts("\(Self.rows) | \(format) | ConvertTo-Csv") == expected)
        #expect(try await texts("$x = \(Self.rows) | \(format); $x | ConvertTo-Csv") == expected)
        let file = "\(Self.rows) | \(format) | Export-Csv a.csv -NoTypeInformation; Get-Content a.csv"
        #expect(try await texts(file) == expected)
    }

    @Test("each group of a layout has a start and an end")
    func groups() async throws {
        let grouped = String(Self.group.dropLast()) + ",\"\(Self.package)GroupingEntry\""
        #expect(
            try await texts("\(Self.rows) | ft n -GroupBy g | ConvertTo-Csv")
                == [Self.head, Self.start("TableHeaderInfo")] + [grouped, Self.row, Self.groupEnd]
                + [grouped, Self.row, Self.groupEnd, Self.end])
    }

    @Test(
        "other commands get the records as well",
        arguments: [
            (
                "(\(rows) | ft | ConvertTo-Html -Fragment)[2..3]",
                [
                    "<tr><th>ClassId2e4f51ef21dd47e99d3c952918aff9cd</th><th>pageHeaderEntry</th>"
                        + "<th>pageFooterEntry</th><th>autosizeInfo</th><th>shapeInfo</th><th>groupingEntry</th></tr>",
                    "<tr><td>033ecb2bc07a4d43b5ef94ed5a35d280</td><td></td><td></td><td></td><td>\(package)"
                        + "TableHeaderInfo</td><td></td></tr>",
                ]
            ),
            (
                "\(rows) | ft | Export-Excel a.xlsx; (Import-Excel a.xlsx)[0].shapeInfo",
                ["\(package)TableHeaderInfo"]
            ),
            ("(\(rows) | ft | Select-Object n, g).Count; (\(rows) | ft).Count", ["6", "6"]),
            (
                "\(rows) | ft | ConvertTo-Csv -IncludeTypeInformation | select -First 1",
                ["#TYPE \(package)FormatStartData"]
            ),
        ] as [(String, [String])])
    func others(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("the answer says that a file holds a layout, and what to use instead")
    func remark() async throws {
        let host = NativeHost()
        var session = NativeSession()
        _ = await NativeEngine(host: host, isPatient: true).run(
            "\(Self.rows) | ft | Export-Csv a.csv; \(Self.rows) | ft | Out-File a.txt", in: &session)
        #expect(
            host.remarks == [
                "Export-Csv got the layout that Format-Table makes, not the rows: use Select-Object instead of "
                    + "Format-Table to get the columns."
            ])
    }
}
