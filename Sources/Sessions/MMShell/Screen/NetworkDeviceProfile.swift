/// What is known of a kind of device before it is reached.
public struct NetworkDeviceProfile: Sendable, Hashable {
    /// What switches paging off, sent one after the other; what a device doesn't know does no harm.
    public var pagingOff: [String]
    /// What a pager shows when it waits.
    public var pagers: [String]
    /// What a pager is told to go on with.
    public var nextPage: String
    /// What a line begins with that says a command was not accepted.
    public var errors: [String]
    /// The command for more rights.
    public var enable: String

    /// A profile.
    public init(
        pagingOff: [String] = [],
        pagers: [String] = [
            "--More--", "-- More --", "---- More ----", "---(more", "--- more ---", "<--- More --->", "-- [Q quit|",
            "Press any key to continue",
        ],
        nextPage: String = " ",
        errors: [String] = [
            "% Invalid", "% Incomplete", "% Ambiguous", "% Unknown", "%Error", "% Error", "Error:", "ERROR:",
            "syntax error",
            "unknown command", "Unrecognized command", "bad command name", "expected end of command", "Invalid input",
        ],
        enable: String = "enable"
    ) {
        self.pagingOff = pagingOff
        self.pagers = pagers
        self.nextPage = nextPage
        self.errors = errors
        self.enable = enable
    }

    /// Nothing is known: pages are turned.
    public static let unknown = NetworkDeviceProfile()
    /// Cisco IOS and those that follow it.
    public static let ios = NetworkDeviceProfile(pagingOff: ["terminal length 0"])
    /// Juniper Junos.
    public static let junos = NetworkDeviceProfile(pagingOff: ["set cli screen-length 0"])
    /// Huawei VRP and H3C Comware.
    public static let vrp = NetworkDeviceProfile(pagingOff: ["screen-length 0 temporary"], enable: "super")
    /// Windows' own OpenSSH server, whose users get `cmd.exe` or PowerShell in a console (learn.microsoft.com, “OpenSSH
    /// Server configuration for Windows”, DefaultShell).
    public static let windows = NetworkDeviceProfile(
        pagers: ["-- More --", "Press any key to continue"],
        errors: [
            "The system cannot find", "Access is denied", "The syntax of the command is incorrect",
            "The filename, directory",
        ])
}
