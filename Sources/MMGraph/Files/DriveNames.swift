internal import MMCore

/// The names that OneDrive and SharePoint refuse ("Restrictions and limitations in OneDrive and SharePoint").
package enum DriveNames {
    /// Returns why a path isn't allowed in a drive; `nil` if it is allowed.
    package static func fault(in names: [String]) -> String? {
        for name in names {
            if let fault = fault(of: name) { return "“\(name)” \(fault)" }
        }
        guard names.joined(separator: "/").utf16.count <= longestPath else {
            return "its path has more than \(longestPath) characters"
        }
        return nil
    }

    /// Returns the paths that would be the same in a drive, where names are case-insensitive.
    package static func clashes(_ paths: [String]) -> [(String, String)] {
        var seen: [String: String] = [:]
        var clashes: [(String, String)] = []
        for path in paths {
            let key = path.lowercased()
            if let other = seen[key] { clashes.append((other, path)) } else { seen[key] = path }
        }
        return clashes
    }

    private static let longestPath = 400
    private static let longestName = 255
    private static let characters: [Character] = ["\"", "*", ":", "<", ">", "?", "/", "\\", "|"]
    private static let devices: Set<String> = ["con", "prn", "aux", "nul"]

    private static func fault(of name: String) -> String? {
        if let character = name.first(where: { characters.contains($0) }) { return "contains \(character)" }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "contains a control character"
        }
        if name.first == " " || name.last == " " { return "starts or ends with a space" }
        if name.last == "." { return "ends with a dot" }
        if name.utf16.count > longestName { return "has more than \(longestName) characters" }
        let word = name.lowercased()
        if word.hasPrefix("~$") { return "begins with ~$" }
        if word.firstRange(of: "_vti_") != nil { return "contains _vti_" }
        let stem = String(word.prefix { $0 != "." })
        let isNumbered =
            stem.count == 4 && (stem.hasPrefix("com") || stem.hasPrefix("lpt")) && stem.last?.isNumber == true
        if word == ".lock" || word == "desktop.ini" || devices.contains(stem) || isNumbered { return "is reserved" }
        return nil
    }
}
