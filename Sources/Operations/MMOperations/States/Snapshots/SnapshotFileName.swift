import MMCore

/// Names of files for the names of objects, which may be anything: with slashes, newlines and control characters, longer than a
/// file name may be, equal, or different by case alone.
enum SnapshotFileName {
    /// File systems allow 255 bytes; an id and the ending still have to fit.
    private static let maxBytes = 120
    /// Names of devices on Windows, where people check snapshots out as well.
    private static let devices: Set<String> = Set(
        ["con", "prn", "aux", "nul"] + (0...9).flatMap { ["com\($0)", "lpt\($0)"] })

    /// The files of the objects of one kind, without their ending, in the same order.
    ///
    /// An object has its id in the name where another one would have the same name, so that no name depends on which came
    /// first.
    /// - Parameter objects: name and id of each.
    static func stems(of objects: [(name: String, id: String)]) -> [String] {
        var stems = objects.map { stem($0.name) }
        // A name with an id may be what another object is called: look again until all differ.
        for _ in 0..<2 {
            var count: [String: Int] = [:]
            for stem in stems { count[folded(stem), default: 0] += 1 }
            guard count.values.contains(where: { $0 > 1 }) else { return stems }
            for index in stems.indices where count[folded(stems[index]), default: 0] > 1 {
                stems[index] = "\(stems[index]) (\(plain(objects[index].id)))"
            }
        }
        return zip(stems, objects).map { "\($0) \(Hex.text(SHA256.digest($1.id.utf8).prefix(6)))" }
    }

    /// The characters that the name of a file keeps of an object's name.
    private static func stem(_ name: String) -> String {
        let text = plain(name)
        return devices.contains(folded(String(text.prefix { $0 != "." }))) ? "_" + text : text
    }

    private static func plain(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            text.unicodeScalars.append(isAllowed(scalar) ? scalar : "_")
        }
        // Neither hidden, nor `.` and `..`, nor an option of a command.
        while let first = text.first, first == "." || first == "-" || first == " " { text.removeFirst() }
        if text.utf8.count > maxBytes {
            // Long names often differ at the end alone.
            let digest = Hex.text(SHA256.digest(name.utf8).prefix(4))
            while text.utf8.count > maxBytes { text.removeLast() }
            text += "-" + digest
        }
        while let last = text.last, last == "." || last == " " { text.removeLast() }
        return text.isEmpty ? "unnamed" : text
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "/", "\\", ":", "*", "?", "\"", "<", ">", "|", "%", "$", "`": false
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
    }

    /// What file systems that ignore case and composition take for the same name.
    private static func folded(_ text: String) -> String { text.uppercased().lowercased() }
}
