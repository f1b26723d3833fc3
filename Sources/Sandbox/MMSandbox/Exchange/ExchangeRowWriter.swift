internal import MMCore

/// Writes one row straight to bytes, with the notes of type that the admin API sets beside some properties.
struct ExchangeRowWriter {
    private(set) var bytes: [UInt8]
    private let select: Set<String>?
    private let overrides: JSONObject
    private var isEmpty = true

    /// A writer behind what is there already.
    init(_ bytes: [UInt8], select: Set<String>?, overrides: JSONObject = [:]) {
        self.bytes = bytes
        self.select = select
        self.overrides = overrides
        self.bytes.append(UInt8(ascii: "{"))
    }

    mutating func end() { bytes.append(UInt8(ascii: "}")) }

    private mutating func name(_ name: String, type: String? = nil, kind: String? = nil) -> Bool {
        if let select, !select.contains(name.lowercased()) { return false }
        if let kind { raw(name, "@odata.type", kind) }
        if let type { raw(name, "@data.type", type) }
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: "\":".utf8)
        guard !overrides.isEmpty, let other = overrides[name] else { return true }
        bytes.append(contentsOf: JSONWriter.bytes(other))
        return false
    }

    private mutating func comma() {
        if isEmpty { isEmpty = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func raw(_ name: String, _ suffix: String, _ value: String) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: suffix.utf8)
        bytes.append(contentsOf: "\":\"".utf8)
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func text(_ name: String, _ value: String?) {
        guard self.name(name) else { return }
        if let value { JSONWriter.append(value, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
    }

    mutating func flag(_ name: String, _ value: Bool) {
        guard self.name(name, type: "System.Boolean") else { return }
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func guid(_ name: String, _ value: String) {
        guard self.name(name, type: "System.Guid", kind: "#Guid") else { return }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func date(_ name: String, _ seconds: Int64?) {
        guard self.name(name, type: "System.DateTime") else { return }
        if let seconds {
            JSONWriter.append(ServiceTime.text(seconds), to: &bytes)
        } else {
            bytes.append(contentsOf: "null".utf8)
        }
    }

    mutating func number(_ name: String, _ value: Int, type: String = "System.Int32") {
        guard self.name(name, type: type) else { return }
        bytes.append(contentsOf: "\(value)".utf8)
    }

    mutating func list(_ name: String, _ values: [String]) {
        guard self.name(name, kind: "#Collection(String)") else { return }
        bytes.append(UInt8(ascii: "["))
        for (place, value) in values.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONWriter.append(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func value(_ name: String, _ value: JSONValue) {
        guard self.name(name) else { return }
        bytes.append(contentsOf: JSONWriter.bytes(value))
    }
}
