internal import MMCore

/// What is known of a file by its name.
enum FileKind {
    /// Returns the media type that belongs to the end of a name.
    static func mediaType(of name: String) -> String {
        types[end(of: name)] ?? "application/octet-stream"
    }

    /// Whether SharePoint writes properties of its own into files of this kind, so that they come out other than they
    /// went in.
    static func isRewritten(_ name: String) -> Bool { office.contains(end(of: name)) }

    private static func end(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static let office: Set<String> = [
        "docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xltx", "xltm", "xlsb", "pptx", "pptm", "potx", "potm", "ppsx",
        "ppsm", "vsdx", "doc", "xls", "ppt", "one", "mpp",
    ]
    private static let types: [String: String] = [
        "txt": "text/plain", "csv": "text/csv", "html": "text/html", "json": "application/json",
        "xml": "application/xml",
        "pdf": "application/pdf", "zip": "application/zip", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "gif": "image/gif", "svg": "image/svg+xml", "eml": "message/rfc822", "mp4": "video/mp4",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ]
}
