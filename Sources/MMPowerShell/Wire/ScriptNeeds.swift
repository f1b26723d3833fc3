import CPowerShellResources
import MMCore
import PowerShellSyntax

/// The names in a script that its session doesn't define by itself, and that are defined before it runs: commands of
/// modules that it may not load itself, and cmdlets that it calls in other sessions.
package struct ScriptNeeds: Sendable, Hashable {
    /// The names of commands, and, after `module `, those of modules that it imports.
    package var names: [String] = []
    /// The names of cmdlets that run in the session of another module; functions of these names call them there.
    package var elsewhere: [String] = []

    /// All names in the form in which they are sent.
    package var all: [String] { elsewhere.map { Self.elsewhereMark + $0 } + names }

    /// Returns the cmdlet of another session that an entry of `all` stands for; `nil` for other entries.
    package static func cmdletElsewhere(_ name: String) -> String? {
        name.hasPrefix(elsewhereMark) ? String(name.dropFirst(elsewhereMark.count)) : nil
    }

    /// Creates empty needs.
    package init() {}

    /// Finds the names in a script, as far as its text shows them. Paths and patterns are left to the script.
    package init(of script: String) {
        let facts = ScriptFacts(of: PowerShellParser.parse(script))
        var found: Set<String> = []
        for item in facts.items {
            guard case .command(let command) = item.detail, let name = command.name, Self.isPlain(name) else {
                continue
            }
            found.insert(name)
            guard ["import-module", "ipmo"].contains(name.lowercased()) else { continue }
            for argument in command.arguments {
                switch argument {
                case .value(let value), .parameter("Name", .some(let value)):
                    found.formUnion(value.texts.filter(Self.isPlain).map { Self.mark + $0 })
                case .parameter: break
                }
            }
        }
        names = found.sorted()
    }

    private static let mark = "module "
    private static let elsewhereMark = "elsewhere "

    /// The script that defines the names.
    var script: String { elsewhere.isEmpty ? Self.loader : Self.loader + "\n" + Self.caller }

    /// The script that defines the functions that call cmdlets of other sessions.
    private static let caller: String = {
        let text = cpowershell_other_modules()
        return String(decoding: UnsafeBufferPointer(start: text.bytes, count: text.count), as: UTF8.self)
    }()

    /// The script that loads the named commands and modules. It calls no cmdlet by its bare name, because a session may
    /// have redefined it.
    static let loader = """
        param($Names)
        $PSModuleAutoLoadingPreference = 'All'
        foreach ($name in $Names) {
            if ($name.StartsWith('elsewhere ')) { continue }
            try {
                if ($name.StartsWith('module ')) { Microsoft.PowerShell.Core\\Import-Module -Name $name.Substring(7) -Scope Global -ErrorAction Ignore -WarningAction Ignore }
                else { $null = Microsoft.PowerShell.Core\\Get-Command -Name $name -ErrorAction Ignore }
            }
            catch { }
        }
        """

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first.properties.isAlphabetic else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.\\".unicodeScalars.contains($0)
        }
    }
}
