import Glibc

/// The environment this process was started with.
public enum ProcessEnvironment {
    /// Returns the names and values; the first one wins where a name occurs twice.
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
