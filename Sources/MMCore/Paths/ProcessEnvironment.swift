import Glibc

/// The environment this process was started with.
public enum ProcessEnvironment {
    /// The variables that configure a program's network access: proxies, and trusted certificates.
    private static let network: Set<String> = Set(
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"].flatMap { [$0, $0.lowercased()] }
            + [
                "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
                "NODE_USE_ENV_PROXY", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "AWS_CA_BUNDLE", "NIX_SSL_CERT_FILE",
            ])

    /// Returns these variables of an environment, for a program that accesses the network itself.
    package static func network(of environment: [String: String]) -> [String: String] {
        environment.filter { network.contains($0.key) && !$0.value.isEmpty }
    }

    /// Returns the names and values; the first one wins where a name occurs twice. In variables of this product that
    /// name files, a leading `~/` stands for the home folder.
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
        return placed(environment)
    }

    /// Returns an environment with absolute places: of the home folder, and of the files and folders that this
    /// product's variables name from there (`~/token`). No shell expands what a unit or an AI client's configuration
    /// sets, and other processes, such as the pool, run in other folders.
    static func placed(_ environment: [String: String]) -> [String: String] {
        var environment = environment
        if let home = environment["HOME"], !home.isEmpty, !home.hasPrefix("/"), let here = ThisProcess.workingDirectory
        {
            environment["HOME"] = here == "/" ? "/\(home)" : "\(here)/\(home)"
        }
        let named = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
        guard let home = named ?? ThisProcess.accountHome else { return environment }
        return environment.reduce(into: environment) { placed, variable in
            guard isPlace(variable.key) else { return }
            placed[variable.key] = StatePaths.absolute(variable.value, home: home)
        }
    }

    /// Whether a variable of this product names a file or folder.
    private static func isPlace(_ name: String) -> Bool {
        name.hasPrefix("MM_") && (name.hasSuffix("_FILE") || name.hasSuffix("_DIR"))
            || ["MM_CONNECTIONS", "MM_SHELLS", "MM_GUARD_RULES", "MM_PWSH", "MM_SANDBOX"].contains(name)
    }
}
