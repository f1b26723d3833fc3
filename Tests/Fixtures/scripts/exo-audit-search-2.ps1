# Connect only when there is no session yet
$connection = Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' }
if (-not $connection) {
    Connect-ExchangeOnline
}
$start = (Get-Date).AddDays(-7)
$end = Get-Date
$records = Search-UnifiedAuditLog -StartDate $start -EndDate $end -Operations FileDeleted -ResultSize 5000
$records | ForEach-Object { $_.AuditData | ConvertFrom-Json } | Select-Object CreationTime, UserId, ObjectId |
    Export-Csv deleted-files.csv -NoTypeInformation
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
