import MMCore
import PowerShellSyntax

/// What a script names that modules hold: they are loaded before it runs where it may not load them itself.
package struct ScriptNeeds: Sendable, Hashable {
    /// Names of commands, and behind `module ` those of modules that it imports.
    package var names: [String] = []

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

    /// Loads what names name. A text of its own: no cmdlet that a session may have given another meaning is called by its bare name.
    static let loader = """
        param($Names)
        $PSModuleAutoLoadingPreference = 'All'
        foreach ($name in $Names) {
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
