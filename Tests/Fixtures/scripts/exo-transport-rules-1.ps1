[CmdletBinding()]
param([string] $AdminUPN)
$modules = @('ExchangeOnlineManagement')
foreach ($module in $modules) {
    if (-not (Get-InstalledModule -Name $module -ErrorAction SilentlyContinue)) {
        Install-Module -Name $module -Scope CurrentUser -Force
    }
    Import-Module ExchangeOnlineManagement
}
if ($AdminUPN) { Connect-ExchangeOnline -UserPrincipalName $AdminUPN -ShowProgress $true } else { Connect-ExchangeOnline }
Get-TransportRule | Select-Object Name, State, Priority, Comments | Format-List
Get-InboundConnector | Select-Object Name, Enabled, ConnectorType
