package import MMCore

/// One line that the driver sends to the bootstrap script.
package enum HostRequest: Sendable {
    /// Run a script as command `id`.
    case run(id: UInt64, PowerShellCommand)
    /// Stop command `id`, if it is the one that runs.
    case stop(id: UInt64)
    /// Report the state of the host.
    case ping(id: UInt64)
    /// Collect garbage, then report the state of the host.
    case collect(id: UInt64)
    /// Switch the user's runspace to ConstrainedLanguage. There is no way back.
    case constrain(id: UInt64)
    /// End the process.
    case bye

    /// The line, with its end.
    package var line: [UInt8] {
        var members = JSONObject()
        switch self {
        case .run(let id, let command):
            members["t"] = "run"
            members["id"] = Self.number(id)
            Self.add(command, to: &members)
        case .stop(let id): members = ["t": "stop", "id": Self.number(id)]
        case .ping(let id): members = ["t": "ping", "id": Self.number(id)]
        case .collect(let id): members = ["t": "collect", "id": Self.number(id)]
        case .constrain(let id): members = ["t": "constrain", "id": Self.number(id)]
        case .bye: members = ["t": "bye"]
        }
        var line = JSONWriter.bytes(.object(members))
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func number(_ id: UInt64) -> JSONValue { .int(Int64(clamping: id)) }

    private static func add(_ command: PowerShellCommand, to members: inout JSONObject) {
        members["script"] = .string(DateShield.isTaken(command.script) ? command.script + "\n" : command.script)
        if !command.parameters.isEmpty {
            let values = command.parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value.plain) }
            var shielded: [JSONValue] = []
            members["parameters"] = DateShield.put(on: .object(JSONObject(values)), places: &shielded)
            if !shielded.isEmpty { members["shielded"] = .array(shielded) }
        }
        members["format"] = .string(command.format.rawValue)
        if let depth = command.depth { members["depth"] = .int(Int64(depth)) }
        if let width = command.width { members["width"] = .int(Int64(width)) }
        if command.isLocal { members["local"] = true }
        let needs = command.needs.all
        if !needs.isEmpty {
            members["load"] = [
                "names": .array(needs.map { .string($0) }), "script": .string(command.needs.script),
            ]
        }
    }
}

/// The protection of texts that look like ISO dates, which PowerShell's JSON reader would convert to dates. Such a text
/// is sent with a mark in front, which the bootstrap script removes.
package enum DateShield {
    private static let mark = "="

    /// Returns a value with marks before its texts that would be converted.
    /// - Parameters:
    ///   - value: the value.
    ///   - path: the place of the value in the whole one.
    ///   - places: gets the place of each such text: the names of members, marked as well, and indexes of items.
    static func put(on value: JSONValue, at path: [JSONValue] = [], places: inout [JSONValue]) -> JSONValue {
        switch value {
        case .string(let text) where isTaken(text):
            places.append(.array(path))
            return .string(mark + text)
        case .array(let items):
            var shielded: [JSONValue] = []
            for (index, item) in items.enumerated() {
                shielded.append(put(on: item, at: path + [.int(Int64(index))], places: &places))
            }
            return .array(shielded)
        case .object(let members):
            var shielded = JSONObject()
            for (name, member) in members {
                shielded[name] = put(on: member, at: path + [.string(mark + name)], places: &places)
            }
            return .object(shielded)
        default: return value
        }
    }

    /// Returns a value without the mark at a place, for another host than PowerShell.
    package static func remove(from value: JSONValue, at path: ArraySlice<JSONValue>) -> JSONValue {
        guard let step = path.first else { return value.string.map { .string(String($0.dropFirst())) } ?? value }
        switch value {
        case .array(var items):
            guard let index = step.int, items.indices.contains(index) else { return value }
            items[index] = remove(from: items[index], at: path.dropFirst())
            return .array(items)
        case .object(var members):
            guard let name = step.string.map({ String($0.dropFirst()) }), let member = members[name] else {
                return value
            }
            members[name] = remove(from: member, at: path.dropFirst())
            return .object(members)
        default: return value
        }
    }

    /// Returns whether the reader would take this text for a date. The rule is that of Newtonsoft.Json's date reader:
    /// 19 to 40 characters that begin with a digit and have a T in eleventh place, or the old `/Date(…)/` form.
    static func isTaken(_ text: String) -> Bool {
        if text.hasPrefix("/Date(") { return true }
        let units = text.utf16
        guard units.count >= 19, units.count <= 40, let first = units.first, first >= 0x30, first <= 0x39 else {
            return false
        }
        return units[units.index(units.startIndex, offsetBy: 10)] == 0x54
    }
}
