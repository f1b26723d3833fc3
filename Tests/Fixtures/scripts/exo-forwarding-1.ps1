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
Get-Mailbox -ResultSize Unlimited |
    Where-Object { $_.ForwardingAddress -or $_.ForwardingSmtpAddress } |
    Select-Object DisplayName, PrimarySmtpAddress, ForwardingAddress, ForwardingSmtpAddress, DeliverToMailboxAndForward |
    Export-Csv -Path forwarding.csv -NoTypeInformation
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
