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
$start = (Get-Date).AddDays(-7)
$end = Get-Date
$records = Search-UnifiedAuditLog -StartDate $start -EndDate $end -Operations FileDeleted -ResultSize 5000
$records | ForEach-Object { $_.AuditData | ConvertFrom-Json } | Select-Object CreationTime, UserId, ObjectId |
    Export-Csv deleted-files.csv -NoTypeInformation
