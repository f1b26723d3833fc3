import CPowerShellResources
import MMCore
import PowerShellSyntax

/// What a script names that its session doesn't have by itself, and that is put there before it runs: what modules hold, where it
/// may not load them, and the cmdlets that it calls in other sessions.
package struct ScriptNeeds: Sendable, Hashable {
    /// Names of commands, and behind `module ` those of modules that it imports.
    package var names: [String] = []
    /// Names of cmdlets that run in the session of another module: functions of these names call them there.
    package var elsewhere: [String] = []

    /// All of them, as they are sent.
    package var all: [String] { elsewhere.map { Self.elsewhereMark + $0 } + names }

    /// The cmdlet of another session that a name of `all` stands for; `nil` for other names.
    package static func cmdletElsewhere(_ name: String) -> String? {
        name.hasPrefix(elsewhereMark) ? String(name.dropFirst(elsewhereMark.count)) : nil
    }

    /// Needs nothing.
    package init() {}

    /// What a script names, as far as its text tells. Paths and patterns are left to the script.
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
                    found.formUnion(Self.texts(value).filter(Self.isPlain).map { Self.mark + $0 })
                case .parameter: break
                }
            }
        }
        names = found.sorted()
    }

    private static let mark = "module "
    private static let elsewhereMark = "elsewhere "

    /// The script that puts what was named in its place.
    var script: String { elsewhere.isEmpty ? Self.loader : Self.loader + "\n" + Self.caller }

    /// Defines the functions that call cmdlets of other sessions.
    private static let caller: String = {
        let text = cpowershell_other_modules()
        return String(decoding: UnsafeBufferPointer(start: text.bytes, count: text.count), as: UTF8.self)
    }()

    /// Loads what names name. A text of its own: no cmdlet that a session may have given another meaning is called by its bare name.
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

    private static func texts(_ value: FactValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items): items.flatMap(texts)
        default: []
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first.properties.isAlphabetic else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.\\".unicodeScalars.contains($0)
        }
    }
}
