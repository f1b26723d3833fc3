import Glibc

/// The environment this process was started with.
public enum ProcessEnvironment {
    /// Names and values; of a name that stands twice, the first.
    public static func read() -> [String: String] {
        var environment: [String: String] = [:]
        var pointer = environ
        while let entry = pointer.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if environment[name] == nil { environment[name] = String(text[text.index(after: equals)...]) }
            }
            pointer += 1
        }
        return environment
    }
}
