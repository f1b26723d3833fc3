/// Content that other people wrote: mails, chats, meetings, files and their names. Anybody can send a mail that
/// contains instructions, so a model is told which part of an answer is such content.
package enum ForeignContent {
    /// The maximum number of rows that are examined, and the maximum depth.
    static let mostRows = 40
    private static let deepest = 4
    /// The maximum number of lines that are examined.
    private static let mostLines = 400

    /// Names of members that contain what people wrote to each other.
    private static let texts: Set<String> = [
        "bodypreview", "uniquebody", "subject", "internetmessageid", "internalreplymessage", "externalreplymessage",
        "internalmessage", "externalmessage", "messagesubject", "notes", "comment", "comments",
    ]
    /// Names that do so if their value is an object with a `content`.
    private static let bodies: Set<String> = ["body", "message", "content", "summary"]
    /// Names that identify files and folders.
    private static let files: Set<String> = ["parentreference", "listitemuniqueid", "filesysteminfo"]

    // MARK: data

    /// Returns whether an answer contains such content. The server's own answers have none; those that it gathered from
    /// several connections name the connection and the tenant of each row.
    package static func isWithin(_ value: JSONValue, from connection: String) -> Bool {
        let isGathered = (value.array ?? [value]).contains { $0["connection"] != nil && $0["tenant"] != nil }
        return (isGathered || !connection.hasPrefix("/")) && isWithin(value)
    }

    /// Returns whether an answer in JSON contains such content.
    package static func isWithin(json: [UInt8], from connection: String) -> Bool {
        isWithin(json: json, JSONRows.find(in: json), from: connection)
    }

    /// Returns the same for a JSON text whose rows are known.
    static func isWithin(json: [UInt8], _ rows: JSONRows?, from connection: String) -> Bool {
        let pieces = rows?.items.prefix(mostRows).map { Array(json[$0]) } ?? [json]
        return pieces.contains { piece in
            guard let value = try? JSONParser.parse(piece) else { return false }
            return isWithin(value, from: connection)
        }
    }

    private static func isWithin(_ value: JSONValue, depth: Int = 0) -> Bool {
        guard depth <= deepest else { return false }
        switch value {
        case .array(let items): return items.prefix(mostRows).contains { isWithin($0, depth: depth) }
        case .object(let members):
            return members.contains { name, inner in
                let name = name.lowercased()
                if texts.contains(name) { return !(inner.isNull || inner.string?.isEmpty ?? false) }
                if files.contains(name) { return inner.object != nil }
                if bodies.contains(name), inner["content"]?.string?.isEmpty == false { return true }
                // Microsoft Graph gives files and folders a facet with that name.
                if name == "file" || name == "folder" { return inner.object != nil && members["name"] != nil }
                return isWithin(inner, depth: depth + 1)
            }
        default: return false
        }
    }

    // MARK: output

    /// Returns whether a script's output contains such content: in members of its values, in a text that shows them, or
    /// without their names, as the script itself names them.
    /// - Parameters:
    ///   - values: what it gave; a text is a string.
    ///   - script: the script.
    package static func isWithin(output values: [JSONValue], of script: String) -> Bool {
        guard values.contains(where: { $0 != "" }) else { return false }
        return isNamed(in: script)
            || values.prefix(mostRows).contains { value in value.string.map { isShown(in: $0) } ?? isWithin(value) }
    }

    // MARK: text

    /// Returns whether a script names members with such content, which its output may then contain without their names.
    package static func isNamed(in script: String) -> Bool { isNamed(in: Array(script.utf8)[...]) }

    // Every answer passes here: bytes of an array cost a tenth of those of a text, and those a tenth of characters.
    private static func isNamed(in text: ArraySlice<UInt8>) -> Bool {
        // What isn't ASCII ends a word: PowerShell also takes typographic quotation marks, dashes and spaces.
        text.split { !(UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20) }.contains { word in
            texts.contains(String(decoding: word, as: UTF8.self).lowercased())
        }
    }

    /// Returns whether a text that PowerShell formatted shows such members: as columns, with a line of dashes below
    /// their names, as lines of `name : value`, or as JSON.
    package static func isShown(in text: String) -> Bool {
        let bytes = Array(text.utf8)
        if let first = bytes.first, first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
            return isWithin(json: bytes, from: "")
        }
        let (dash, space, colon) = (UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: ":"))
        var above = bytes[..<0]
        let lines = bytes.split(maxSplits: mostLines) { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        for line in lines.prefix(mostLines) {
            if line.contains(dash), line.allSatisfy({ $0 == dash || $0 == space }), isNamed(in: above) { return true }
            if let end = line.firstIndex(of: colon), line[..<end].last == space,
                line[end...].dropFirst().contains(where: { $0 != space }), isNamed(in: line[..<end])
            {
                return true
            }
            above = line
        }
        return false
    }
}
