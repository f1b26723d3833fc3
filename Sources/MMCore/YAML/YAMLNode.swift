import CYAML

/// A value of a YAML file and the line where it begins. Anchors, aliases and tags are refused.
package struct YAMLNode: Sendable {
    /// The three kinds of values.
    package enum Content: Sendable {
        /// A text; plain where it has no quotes, so that `true` and `12` may be more than words.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Entry])
    }

    /// A key of a map with its value.
    package struct Entry: Sendable {
        /// The key.
        package let key: String
        /// The line of the key, counted from 1.
        package let line: Int
        /// The value.
        package let value: YAMLNode
    }

    /// The value.
    package let content: Content
    /// The line where it begins, counted from 1.
    package let line: Int

    /// Reads one document.
    /// - Parameters:
    ///   - bytes: the text of the file.
    ///   - name: what the text is called in errors.
    /// - Returns: `nil` for an empty document.
    /// - Throws: `.invalidInput` with the line (also as the detail `line`), `.unavailable` without libyaml.
    package static func read(_ bytes: [UInt8], name: String) throws(MMError) -> YAMLNode? {
        if let problem = mm_yaml_problem() {
            throw MMError(
                .unavailable, "YAML files can't be read here.", hint: "Install the Debian package libyaml-0-2.",
                cause: String(cString: problem))
        }
        let outcome: Result<YAMLNode?, MMError> = bytes.withUnsafeBufferPointer { buffer in
            guard let opened = mm_yaml_open(buffer.baseAddress, buffer.count) else {
                return .failure(MMError(.unavailable, "There is no memory to read \(name)."))
            }
            var reader = YAMLReader(opened: opened, name: name)
            defer { mm_yaml_close(opened) }
            do throws(MMError) { return .success(try reader.document()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// The value as JSON: plain scalars become numbers, truths and null where they are written as such.
    package var json: JSONValue {
        switch content {
        case .scalar(let text, isPlain: false): return .string(text)
        case .scalar(let text, isPlain: true):
            switch text {
            case "", "~", "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default:
                // Only what JSON would write as a number is one: 007 and 1e999 stay texts.
                if let value = try? JSONParser.parse(text), value.double != nil { return value }
                return .string(text)
            }
        case .list(let items): return .array(items.map(\.json))
        case .map(let entries): return .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
        }
    }
}
