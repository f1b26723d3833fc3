/// How a shell shows files and folders: one table for each folder that holds some of them.
enum FileListing {
    private static let columns: [FormattedBlock.Column] = [
        .init(label: "Mode", width: 7), .init(label: "LastWriteTime", alignment: .right, width: 26),
        .init(label: "Length", alignment: .right, width: 14), .init(label: "Name"),
    ]

    /// Returns the tables of files and folders, in the order in which they come.
    static func block(of files: [PSObject]) -> FormattedBlock {
        var groups: [FormattedBlock.Group] = []
        for file in files {
            let title = " Directory: " + parent(file["FullName"]?.text ?? "")
            if groups.last?.title != title { groups.append(.init(title: title, columns: columns, rows: [])) }
            groups[groups.count - 1].rows.append(row(file))
        }
        return FormattedBlock(.table, groups: groups)
    }

    private static func row(_ file: PSObject) -> [String] {
        let isFolder = file.typeName == PSObject.folderType
        var written = ""
        if case .date(let date)? = file["LastWriteTime"] {
            let time = date.formatted("t") ?? ""
            written = (date.formatted("d") ?? "") + " " + String(repeating: " ", count: max(0, 8 - time.count)) + time
        }
        return [
            isFolder ? "d----" : "-a---", written, isFolder ? "" : file["Length"]?.text ?? "", file["Name"]?.text ?? "",
        ]
    }

    /// Returns the folder that holds a path, in the path's own spelling.
    private static func parent(_ path: String) -> String {
        guard let mark = path.lastIndex(where: { $0 == "/" || $0 == "\\" }), mark != path.startIndex else { return "." }
        let above = path[..<mark]
        return above.hasSuffix(":") ? above + "\\" : String(above)
    }
}

extension PSObject {
    /// Whether this is a file or a folder that the script created or listed.
    package var isFile: Bool {
        guard typeName == PSObject.fileType || typeName == PSObject.folderType else { return false }
        return self["LastWriteTime"] != nil
    }
}
