import Glibc
import MMCore
import MMSystem

/// Opens a page in the person's browser: the one named by `MM_BROWSER` or `BROWSER`, Windows' own under WSL, or the
/// desktop's.
package struct BrowserOpener: Sendable {
    let environment: [String: String]
    /// The release of the kernel, which names Microsoft under WSL.
    private let kernel: String

    /// An opener.
    /// - Parameters:
    ///   - environment: names browser and desktop.
    ///   - kernel: the release of the kernel.
    package init(environment: [String: String], kernel: String = Self.runningKernel) {
        self.environment = environment
        self.kernel = kernel
    }

    /// The release of this machine's kernel.
    package static var runningKernel: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "" }
        return withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Opens a page.
    /// - Returns: whether a program was started for it; whether a page appeared can't be determined.
    package func open(_ url: String) async -> Bool {
        for command in commands(for: url) {
            guard
                let program = ExecutableSearch.find(
                    command[0], path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
            else { continue }
            var child = ChildCommand(program, Array(command.dropFirst()), environment: environment)
            (child.output, child.error) = (.null, .null)
            // A browser that was started for this page may stay open.
            (child.deathSignal, child.endsGroup) = (nil, false)
            if (try? await ChildProcess.start(child)) != nil { return true }
        }
        return false
    }

    /// Returns the command lines that may open a page, the preferred one first.
    func commands(for url: String) -> [[String]] {
        for name in ["MM_BROWSER", "BROWSER"] {
            // The usual format of BROWSER: commands separated by colons, with `%s` in place of the URL.
            guard let value = environment[name], value.contains(where: { !$0.isWhitespace }) else { continue }
            return value.split(separator: ":").map { command in
                let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
                let isMarked = words.contains { $0.contains("%s") }
                return words.map { $0.replacing("%s", with: url) } + (isMarked ? [] : [url])
            }.filter { $0.count > 1 || $0.first != url }
        }
        return (isBelowWindows ? Self.ofWindows(url) : [])
            + (hasDesktop ? ["xdg-open", "sensible-browser", "x-www-browser"].map { [$0, url] } : [])
    }

    /// The ways to the browser of the Windows that a WSL runs below. Its folders are in `PATH` unless `appendWindowsPath` is
    /// off, and its first drive may be mounted elsewhere than in `/mnt`.
    private static func ofWindows(_ url: String) -> [[String]] {
        // Unlike cmd.exe, and unlike explorer.exe, which opens a folder instead of some addresses, this one passes an address
        // on unchanged.
        let handler = ["rundll32.exe", "/mnt/c/Windows/System32/rundll32.exe"]
        return [["wslview", url]] + handler.map { [$0, "url.dll,FileProtocolHandler", url] }
    }

    private var hasDesktop: Bool {
        ["DISPLAY", "WAYLAND_DISPLAY"].contains { environment[$0]?.isEmpty == false }
    }

    private var isBelowWindows: Bool {
        // The variables are lost behind `sudo`, in services and in sessions over SSH; the kernel stays.
        ["WSL_DISTRO_NAME", "WSL_INTEROP"].contains { environment[$0]?.isEmpty == false }
            || kernel.lowercased().contains("microsoft")
    }

    /// Returns how a person can reach the page when no browser could be opened.
    /// - Parameter port: the port that the browser returns to.
    func remedy(port: UInt16, connection: String) -> String {
        var text = "No browser could be opened here."
        if let session = environment["SSH_CONNECTION"], !session.isEmpty {
            let parts = session.split(separator: " ")
            let host = parts.count == 4 ? String(parts[2]) : "THIS-MACHINE"
            let user = environment["USER"].map { "\($0)@" } ?? ""
            text +=
                " To use the browser of your own machine, run there: ssh -N -L \(port):127.0.0.1:\(port) "
                + ShellWord.quoted("\(user)\(host)") + " and open the address."
        } else {
            text += " Name one in MM_BROWSER, or open the address in a browser of this machine."
        }
        return text + " Or sign in with a code: mm login \(ShellWord.quoted(connection)) --device-code."
    }
}

extension BrowserOpener {
    /// Whether one of the programs that may open a page is installed.
    var isThere: Bool {
        commands(for: "about:blank").contains { command in
            ExecutableSearch.find(command[0], path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin") != nil
        }
    }
}
